import { z } from 'zod';
import { startOperation, resumeOperation, type OperationRun } from '../engine/operation.ts';
import { driverOf } from '../host/drivers.ts';
import type { Session } from '../host/session.ts';
import { messageOf } from '../engine/thrown.ts';
import { ProviderError } from '../provider/error.ts';
import { ENVIRONMENTS } from '../provider/tokens.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { Stored } from '../state/document-store.ts';
import { Claim } from './claim.ts';
import { isPinned } from './collectible.ts';
import { destroyVolumes, forgetSource, removeImages } from './leave-nothing.ts';
import { LogKeeping } from './keep-logs.ts';
import { resourceIdOf } from './life.ts';
import { removeRecords } from './records.ts';
import { destroyUntilGone } from './settle.ts';
import { finishUnfinished } from './unfinished.ts';

const STEP_SECONDS = 3600;

/** What is destroyed, beside what nobody uses. */
export interface DestroyOptions {
  /** Asked of what is found before it is destroyed. Where it says no, all stays as it is. */
  readonly isMeant?: (document: EnvironmentDocument) => boolean;
  /** The slot that it is taken from first. Never from another one, and never the head. */
  readonly force?: string;
}

/** Of a destroy that takes it from a slot, for whoever goes on with it. */
const inputSchema = z.object({ force: z.string().exactOptional() });

/**
 * Destroys one life of an environment, and what was made for it. To destroy what is gone succeeds.
 * @throws ProviderError `not-found`; `refused`: a slot uses it; `conflict`: another process makes it just now.
 */
export async function destroyEnvironment(
  session: Session,
  id: string,
  { isMeant = () => true, force }: DestroyOptions = {},
): Promise<{ readonly document: EnvironmentDocument; readonly operation: string }> {
  for (let operation = ''; ;) {
    const found = await session.briefly(`read environment ${id}`, (call) =>
      session.documents.environments.get(id, call),
    );
    if (!found)
      throw new ProviderError('not-found', `there is no environment ${id}`, { hint: 'clusternator env list' });
    const { document } = found;
    if (document.phase === 'gone' || !isMeant(document)) return { document, operation };
    if (isPinned(document)) {
      if (await isLetGo(session, document)) continue;
      if (force === undefined || !isPinnedByAlone(document, force)) throw pinned(document);
      const input = { force };
      const run = await startOperation(session.operations, { kind: 'destroy', subject: id, input });
      operation = (await takeAndDestroy(session, run, id, force)) ?? operation;
      continue;
    }
    if (document.phase === 'destroying' && document.owner) {
      await finishUnfinished(session, document, 'destroy');
      continue;
    }
    operation = (await claimAndDestroy(session, found)) ?? operation;
  }
}

/** Whether its slots only kept it for a while that is over. */
async function isLetGo(session: Session, { id, pins }: EnvironmentDocument): Promise<boolean> {
  const { letGoOfOne } = await import('../slot/collect.ts');
  await letGoOfOne(session, id, Object.keys(pins));
  const found = await session.briefly(`read environment ${id}`, (call) => session.documents.environments.get(id, call));
  return found !== undefined && !isPinned(found.document);
}

/** @returns The operation. Undefined: the document moved, so look again. */
async function takeAndDestroy(
  session: Session,
  run: OperationRun,
  id: string,
  slot: string,
): Promise<string | undefined> {
  let found: Stored<EnvironmentDocument> | undefined;
  try {
    const { letGoOf } = await import('../slot/let-go.ts');
    await letGoOf(session, id, slot);
    found = await session.briefly(`read environment ${id}`, (call) => session.documents.environments.get(id, call));
    if (found && isPinned(found.document)) throw pinned(found.document);
  } catch (error) {
    await (run.signal.aborted ? run.interrupt() : run.fail(error)).catch(() => undefined); // what went wrong first is told
    throw error;
  }
  if (!found || found.document.phase === 'gone') {
    await run.finish();
    return run.id;
  }
  return claimAndDestroy(session, found, run);
}

/** @returns The operation. Undefined: the document moved, so look again. */
async function claimAndDestroy(
  session: Session,
  found: Stored<EnvironmentDocument>,
  begun?: OperationRun,
): Promise<string | undefined> {
  const { document } = found;
  if (document.owner && (await isMoving(session, document.owner.operation))) {
    await finishUnfinished(session, document, 'destroy');
    return undefined;
  }
  const taken = document.owner && (await takeOverCreate(session, document.owner.operation));
  if (taken === 'just ended') {
    await begun?.abort();
    return undefined;
  }
  const unfinished = taken === 'ended' ? undefined : taken;
  const input = { phase: document.phase };
  const run = begun ?? (await startOperation(session.operations, { kind: 'destroy', subject: document.id, input }));
  let claim: Claim;
  try {
    claim = await session.briefly(`claim environment ${document.id}`, (call) =>
      Claim.take(session, found, { ...document, phase: 'destroying' }, run, call),
    );
  } catch (error) {
    await unfinished?.interrupt();
    await run.abort();
    if (ProviderError.is(error) && error.code === 'conflict') return undefined;
    throw error;
  }
  await unfinished?.abort();
  await destroyClaimed(session, run, claim);
  return run.id;
}

/** A restore stops it and starts it again: that comes to its end first. */
async function isMoving(session: Session, operation: string): Promise<boolean> {
  const found = await session.briefly(`read operation ${operation}`, (call) =>
    session.documents.operations.get(operation, call),
  );
  return found?.document.kind === 'swap' && found.document.endedAt === undefined;
}

/** The create that is to be given up. @throws ProviderError `conflict`: its process lives. */
async function takeOverCreate(session: Session, operation: string): Promise<OperationRun | 'ended' | 'just ended'> {
  const hasEnded = async (): Promise<boolean> => {
    const stored = await session.briefly(`read operation ${operation}`, (call) =>
      session.documents.operations.get(operation, call),
    );
    return stored?.document.endedAt !== undefined || !stored;
  };
  if (await hasEnded()) return 'ended';
  try {
    return await resumeOperation(session.operations, operation);
  } catch (error) {
    if (await hasEnded()) return 'just ended';
    throw error;
  }
}

/** Goes on with a destroy that was interrupted. */
export async function resumeDestroy(session: Session, run: OperationRun): Promise<void> {
  const id = run.document.subject;
  const claim = await session.briefly(`read environment ${id}`, (call) => Claim.resume(session, id, run.id, call));
  if (claim) {
    await destroyClaimed(session, run, claim);
    return;
  }
  // It died between its own document and the claim, or between the last write and its end.
  const stored = await session.briefly(`read environment ${id}`, (call) =>
    session.documents.environments.get(id, call),
  );
  const { force } = inputSchema.safeParse(run.document.input).data ?? {};
  if (!stored || stored.document.phase === 'gone') await run.finish();
  else if (force !== undefined && isPinnedByAlone(stored.document, force))
    await takeAndDestroy(session, run, id, force);
  else await run.abort();
}

async function destroyClaimed(session: Session, run: OperationRun, claim: Claim): Promise<void> {
  const { document } = claim;
  const resourceId = resourceIdOf(document);
  const step = (id: string, title: string, work: () => Promise<void>): Promise<undefined> =>
    run.step({
      id,
      title,
      result: z.undefined(),
      deadlineSeconds: STEP_SECONDS,
      run: async () => {
        await work();
        return undefined;
      },
    });
  await run.conclude(async () => {
    await keepData(session, run, claim);
    if (document.records?.length)
      await run.step({
        id: 'records',
        title: `remove the records of ${document.id}`,
        result: z.undefined(),
        deadlineSeconds: STEP_SECONDS,
        run: async (call) => {
          await removeRecords(session, document, call);
          return undefined;
        },
      });
    let kept: EnvironmentDocument['logs'];
    // Of one that was written again from what its provider has of it, the spec may not be known.
    if (document.spec || document.environment) {
      const bound = await session.bind(document.provider);
      const driver = await driverOf(bound, ENVIRONMENTS, 'environments');
      const ref = { id: resourceId, ...(document.environment && { handle: document.environment.handle }) };
      const errorOf = (cause: unknown): ProviderError | undefined => bound.provider.errorOf(cause);
      const logs = LogKeeping.of(session, document, bound);
      const known = logs?.byProvider ? document.environment : undefined;
      const before =
        known ?? (logs && (await session.briefly(`look at ${document.id}`, (call) => driver.read(ref, call))));
      if (logs?.byProvider === false && before)
        await run.step({
          id: 'logs',
          title: 'keep its logs',
          result: z.undefined(),
          deadlineSeconds: STEP_SECONDS,
          errorOf,
          run: async (call) => {
            await logs.collect(driver, before, call);
            return undefined;
          },
        });
      await run.step({
        id: 'environment',
        title: `stop and remove ${document.id}`,
        result: z.undefined(),
        deadlineSeconds: STEP_SECONDS,
        errorOf,
        run: async (call) => {
          const work = (): Promise<void> => destroyUntilGone(session, 'environment', driver, ref, call);
          await (logs ? logs.whileDestroying(driver, before, call, work) : work());
          return undefined;
        },
      });
      kept = logs?.record(before ?? document.environment);
    }
    if (document.volumes) await step('volumes', 'remove its volumes', () => destroyVolumes(session, document));
    if (document.images || document.builds || document.pushed)
      await step('images', 'remove its images', () => removeImages(session, document));
    await step('files', 'remove its files', () => forgetSource(session, document));
    await session.briefly(`write environment ${document.id}`, (call) =>
      claim.release((now) => tombstone(now, kept), call),
    );
  });
}

/**
 * `onDestroy: snapshot`, before anything is destroyed. Where one fails the environment stays as it is.
 * @throws ProviderError `internal`: why it could not be kept.
 */
async function keepData(session: Session, run: OperationRun, claim: Claim): Promise<void> {
  if (!claim.document.volumes?.length || run.document.steps.some(({ id }) => id === 'environment')) return;
  const { snapshotBeforeDestroy } = await import('../storage/before-destroy.ts');
  try {
    await snapshotBeforeDestroy(session, run, claim.document.volumes);
  } catch (error) {
    if (run.signal.aborted) throw error;
    const { id } = claim.document;
    const phase = destroyInputSchema.safeParse(run.document.input).data?.phase ?? 'failed';
    await session.briefly(`write environment ${id}`, (call) => claim.release((now) => ({ ...now, phase }), call));
    throw new ProviderError(
      'internal',
      `environment ${id} was not destroyed: its data could not be kept: ${messageOf(error)}`,
      {
        effect: 'none',
        hint: `to give its data up: clusternator storage list, then set onDestroy: delete, or mend what failed and destroy it again`,
        cause: error,
      },
    );
  }
}

/** What it was before: it is again, where its data can't be kept. */
const destroyInputSchema = z.object({ phase: z.enum(['creating', 'ready', 'failed', 'destroying']).exactOptional() });

/** What stays of an environment: that it was, and how often, so that its next life gets other names. */
function tombstone(document: EnvironmentDocument, logs: EnvironmentDocument['logs']): EnvironmentDocument {
  const {
    spec: _spec,
    environment: _environment,
    images: _images,
    builds: _builds,
    pushed: _pushed,
    volumes: _volumes,
    records: _records,
    mirror: _mirror,
    expiresAt: _expires,
    overrides: _overrides,
    config: _config,
    rebuilt: _rebuilt,
    ...kept
  } = document;
  return { ...kept, phase: 'gone', hosts: [], fingerprint: '', ...(logs && { logs }) };
}

function isPinnedByAlone({ pins }: EnvironmentDocument, slot: string): boolean {
  return Object.keys(pins).every((name) => name === slot);
}

function pinned({ id, pins }: EnvironmentDocument): ProviderError {
  const slots = Object.keys(pins);
  const [slot = '', ...others] = slots;
  const forced =
    others.length > 0 ? '' : `; to take it from its standbys at once: clusternator env destroy ${id} --force ${slot}`;
  return new ProviderError('refused', `environment ${id} is in use by the slot ${slots.join(', ')}`, {
    hint: `clusternator slot show ${slot} tells how. Promote another environment to ${slot}; once its standbys have let go of this one, destroy it${forced}`,
  });
}
