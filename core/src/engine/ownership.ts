import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import type { DocumentStore, Stored } from '../state/document-store.ts';
import type { OperationDocument } from '../state/documents.ts';
import { withCall } from './call.ts';
import type { Clock } from './clock.ts';
import { describeOwner, isSameProcess, livenessOf, type Liveness, type ProcessIdentity } from './identity.ts';

/** How an owner shows that it lives, and how long others wait for that. */
export interface OwnershipTiming {
  readonly heartbeatSeconds: number;
  /** A heartbeat that is unchanged for so long, on the watcher's own clock, has no owner any more. */
  readonly termSeconds: number;
}
export const OWNERSHIP: OwnershipTiming = { heartbeatSeconds: 2, termSeconds: 10 };

/** What owners and those who watch them need. */
export interface OwnershipParts {
  readonly operations: DocumentStore<OperationDocument>;
  readonly clock: Clock;
  readonly identity: ProcessIdentity;
  readonly signal: AbortSignal;
  readonly timing?: OwnershipTiming;
  /** Whether a process lives, as far as it can be told from here. */
  readonly liveness?: (owner: ProcessIdentity) => Liveness;
}

/** `ended`: nothing is left to do. `free`: whoever wants to may take it over. `alive`: its heartbeat was seen to change. */
export type Ownership = 'ended' | 'free' | 'alive' | 'unsure';

const CLAIM_SECONDS = 60;
const LONGEST_PAUSE_SECONDS = 0.25;

/** Looks at one operation again and again. The dates in it are other machines' clocks, and never compared. */
export class OwnerWatch {
  private seen: { readonly epoch: number; readonly heartbeat: number; readonly atSeconds: number } | undefined;

  constructor(private readonly parts: Omit<OwnershipParts, 'operations' | 'signal'>) {}

  judge(document: OperationDocument): Ownership {
    if (hasEnded(document)) return 'ended';
    if (document.state === 'interrupted') return 'free';
    const { identity } = this.parts;
    const liveness = this.parts.liveness ?? ((owner: ProcessIdentity) => livenessOf(owner, identity));
    if (isSameProcess(document.owner, identity)) return 'alive';
    if (liveness(document.owner) === 'dead') return 'free';
    return this.judgeHeartbeat(document);
  }

  private judgeHeartbeat({ epoch, heartbeat }: OperationDocument): Ownership {
    const { clock, timing = OWNERSHIP } = this.parts;
    const nowSeconds = clock.monotonicSeconds();
    const unchanged = this.seen?.epoch === epoch && this.seen.heartbeat === heartbeat;
    if (this.seen && unchanged) return nowSeconds - this.seen.atSeconds >= timing.termSeconds ? 'free' : 'unsure';
    const first = this.seen === undefined;
    this.seen = { epoch, heartbeat, atSeconds: nowSeconds };
    return first ? 'unsure' : 'alive';
  }
}

/** Nothing is left to do for it. */
export function hasEnded({ state }: OperationDocument): boolean {
  return state === 'done' || state === 'failed' || state === 'aborted';
}

/**
 * Waits until the operation has ended, or has no living owner any more.
 * @param tell - Gets each state of it that was seen.
 * @throws `not-found`; `cancelled`, when the signal aborts.
 */
export async function followOperation(
  parts: OwnershipParts,
  id: string,
  tell: (document: OperationDocument) => void = () => {},
): Promise<{ readonly document: OperationDocument; readonly ownership: 'ended' | 'free' }> {
  const watch = new OwnerWatch(parts);
  let told: string | undefined;
  for (;;) {
    const { document, revision } = await lookAt(parts, id);
    const ownership = watch.judge(document);
    if (revision !== told) tell(document);
    told = revision;
    if (ownership === 'ended' || ownership === 'free') return { document, ownership };
    await pause(parts, id);
  }
}

/**
 * Takes the operation over, with an epoch one higher, which refuses every later write of the owner before.
 * @throws `conflict`: it has ended, or lives under an owner that the message names; `not-found`.
 */
export async function takeOver(parts: OwnershipParts, id: string): Promise<Stored<OperationDocument>> {
  const watch = new OwnerWatch(parts);
  for (let lost = false; ;) {
    const stored = await lookAt(parts, id);
    const ownership = watch.judge(stored.document);
    if (ownership === 'ended') throw endedAlready(stored.document);
    if (ownership === 'alive' || lost) throw ownedBy(stored.document);
    if (ownership === 'free') {
      const taken = await claim(parts, stored);
      if (taken) return taken;
      lost = true;
    } else {
      await pause(parts, id);
    }
  }
}

/** Who runs it, as an error for those who may not. */
export function ownedBy({ id, kind, subject, owner }: OperationDocument): ProviderError {
  return new ProviderError('conflict', `operation ${id} (${kind} ${subject}) is run by ${describeOwner(owner)}`, {
    hint: `Wait for it, or end that process and then run: clusternator op resume ${id}`,
  });
}

function endedAlready({ id, kind, subject, state }: OperationDocument): ProviderError {
  return new ProviderError('conflict', `operation ${id} (${kind} ${subject}) has ended: ${state}`, {
    hint: `clusternator op show ${id} tells what it did. To do it again, run its command again.`,
  });
}

/** Undefined: somebody else was faster, or the owner lives after all. */
async function claim(
  parts: OwnershipParts,
  { id, document, revision }: Stored<OperationDocument>,
): Promise<Stored<OperationDocument> | undefined> {
  const taken: OperationDocument = {
    ...document,
    state: 'running',
    epoch: document.epoch + 1,
    owner: parts.identity,
    heartbeat: document.heartbeat + 1,
    updatedAt: parts.clock.now().toISOString(),
  };
  try {
    return await withState(parts, id, 'take over', (call) => parts.operations.put(id, taken, revision, call));
  } catch (error) {
    if (ProviderError.is(error) && error.code === 'conflict') return undefined;
    throw error;
  }
}

async function lookAt(parts: OwnershipParts, id: string): Promise<Stored<OperationDocument>> {
  const stored = await withState(parts, id, 'read', (call) => parts.operations.get(id, call));
  if (stored) return stored;
  throw new ProviderError('not-found', `there is no operation ${id}`, {
    hint: 'clusternator op list shows those that there are.',
  });
}

async function pause(parts: OwnershipParts, id: string): Promise<void> {
  const { termSeconds } = parts.timing ?? OWNERSHIP;
  const seconds = Math.min(LONGEST_PAUSE_SECONDS, termSeconds / 10);
  await withState(parts, id, 'watch', (call) => parts.clock.sleep(seconds, call.signal));
}

function withState<T>(parts: OwnershipParts, id: string, doing: string, work: (call: Call) => Promise<T>): Promise<T> {
  const { clock, signal } = parts;
  return withCall(
    { clock, signal, operation: id, doing: `${doing} operation ${id}`, deadlineSeconds: CLAIM_SECONDS },
    work,
  );
}
