import type { RecordSet } from '../dns/dns.ts';
import { writeRecords } from '../dns/write-records.ts';
import { sameRecords } from '../dns/zone-of.ts';
import type { StepEvent } from '../engine/events.ts';
import { pollUntilSettled } from '../engine/poll.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { SlotDocument } from './documents.ts';
import { refuseDrift } from './drift.ts';
import { formerHosts } from './former-hosts.ts';
import { slotSettings, slotSpec } from './settings.ts';
import type { Slot, SlotSpec } from './slot.ts';
import type { Members } from './traffic.ts';
import type { Session } from '../host/session.ts';
import type { SlotHold } from './hold.ts';
import { asProviderError, superseded, type SlotWork } from './work.ts';

/** A certificate waits for its records to be seen. */
export const NAMED_SECONDS = 1800;
const LONGEST_PAUSE_SECONDS = 10;

/**
 * Gives the slot the names and paths of a spec, at its router and in its document. The version that it then has is good only while we own it.
 * @throws ProviderError `superseded`, `drifted`, and what the router says.
 */
export async function nameSlot(work: SlotWork, spec: SlotSpec, members: Members): Promise<Slot> {
  return named(work, spec, members, () => untilNamed(work, spec));
}

async function named(work: SlotWork, spec: SlotSpec, members: Members, make: () => Promise<Slot>): Promise<Slot> {
  const { session, hold } = work;
  // A slot by DNS is found by the names that its document has.
  const beforehand = (now: SlotDocument): SlotDocument => ({ ...now, spec, formerHosts: formerHosts(now, spec) });
  if (hold.slot.mechanism === 'dns' && !(await hold.put(beforehand))) throw superseded(work);
  const made = await make();
  const { records = [] } = made;
  const url =
    made.url ?? (spec.hosts[0] === undefined ? undefined : `${spec.tls ? 'https' : 'http'}://${spec.hosts[0]}`);
  // The version first, then that we still own it: a taker's route comes after its put, and so moves this version.
  if (!(await hold.isStillOurs())) throw await lost(work, records);
  const noted = (now: SlotDocument): SlotDocument => ({
    ...now,
    spec,
    ...(url !== undefined && { url }),
    ...((records.length > 0 || now.records) && { records }),
  });
  if (!(await hold.put(noted))) throw superseded(work);
  await refuseDrift(session, hold.slot, made, members);
  return made;
}

/** Asks until all names are served. Where that takes time it is told as a step of the operation. */
async function untilNamed(work: SlotWork, spec: SlotSpec): Promise<Slot> {
  const { session, run } = work;
  const { clock } = session;
  const doing = `name slot ${spec.id}`;
  const step = { operation: run.id, step: 'names' };
  /** As it was said each time. */
  const said: Slot[] = [];
  const hasWaited = (): boolean => said.some(({ phase }) => phase === 'creating');
  const tell = (state: StepEvent['state'], message?: string): void =>
    session.emit({ type: 'step', ...step, title: doing, state, ...(message !== undefined && { message }) });
  const ask = async (call: Call): Promise<Slot> => {
    const now = await nameOnce(work, spec, { call, written: said.at(-1)?.records });
    if (said.push(now) === 1 && hasWaited()) tell('started');
    return now;
  };
  try {
    const made = await session.briefly(
      doing,
      (brief) => {
        const call: Call = {
          ...brief,
          signal: AbortSignal.any([brief.signal, run.signal]),
          progress: (to) => session.emit({ type: 'progress', ...step, ...to }),
        };
        return pollUntilSettled(() => ask(call), { clock, call, doing, longestSeconds: LONGEST_PAUSE_SECONDS });
      },
      NAMED_SECONDS,
    );
    if (made.phase === 'active') {
      if (hasWaited()) tell('done');
      return made;
    }
    throw new ProviderError('unavailable', `${doing}: ${made.message ?? `it is ${made.phase}`}`, { effect: 'applied' });
  } catch (error) {
    if (hasWaited()) tell('failed', asProviderError(error).message);
    throw error;
  }
}

/** @param of - With the records that are there already. @throws ProviderError `superseded`. */
async function nameOnce(
  work: SlotWork,
  spec: SlotSpec,
  { call, written }: { readonly call?: Call; readonly written?: readonly RecordSet[] | undefined } = {},
): Promise<Slot> {
  const { session, hold, router } = work;
  const made = await router.ensure(spec, call);
  const { records = [] } = made;
  const areThere = JSON.stringify(records) === JSON.stringify(written);
  if (!areThere && !(await writeNames(session, hold, records))) throw await lost(work, []);
  return made;
}

/** The document of the slot names each record before it is written, so that none is forgotten. @returns False: it is not ours any more. */
export async function writeNames(session: Session, hold: SlotHold, wanted: readonly RecordSet[]): Promise<boolean> {
  const { records: known = [] } = hold.slot;
  const isNew = (set: RecordSet): boolean => !known.some((one) => sameRecords(one, set));
  if (wanted.some(isNew)) {
    const noted = (now: SlotDocument): SlotDocument => ({ ...now, records: [...known, ...wanted.filter(isNew)] });
    if (!(await hold.put(noted))) return false;
  }
  const what = `slot ${hold.slot.name}`;
  await session.briefly(`write the records of ${what}`, (call) =>
    writeRecords(session, { ...hold.slot, what }, wanted, call),
  );
  return true;
}

/** Another operation took the slot over. Where it destroyed the slot, what was just made of it goes again. */
async function lost(work: SlotWork, records: readonly RecordSet[]): Promise<ProviderError> {
  const { session, hold, warnings } = work;
  try {
    const { removeLeftover } = await import('./leftover.ts');
    await removeLeftover(session, hold.slot.name, records);
  } catch (error) {
    warnings.push(`slot ${hold.slot.name} was destroyed, and may not be gone: ${asProviderError(error).message}`);
  }
  return superseded(work);
}

/**
 * Gives the slot the names back that the release had to which it goes back. Traffic is worth more than names: where they can't be had, that is
 * a warning, and the slot keeps those that it has.
 * @returns The slot to route, as it then is.
 * @throws ProviderError `superseded`; what aborts the operation.
 */
export async function restoreNames(
  work: SlotWork,
  live: Slot,
  goal: EnvironmentDocument,
  members: Members,
): Promise<Slot> {
  const { session, hold, run, warnings } = work;
  const { name, mechanism, spec } = hold.slot;
  try {
    const settings = await slotSettings(session, name, goal);
    const wanted = slotSpec(session, name, settings, [...members.values()]);
    if (settings.mechanism !== mechanism || !spec || sameNames(wanted, spec)) return live;
    const made = await named(work, wanted, members, () => nameOnce(work, wanted));
    if (made.phase !== 'active')
      warnings.push(
        `slot ${name} is not served under all of its names yet: ${made.message ?? made.phase}. clusternator slot repair ${name} waits for it`,
      );
    return made;
  } catch (error) {
    const { code, message } = asProviderError(error);
    if (run.signal.aborted || code === 'superseded') throw error;
    warnings.push(`slot ${name} keeps the host names of the release that it leaves: ${message}`);
    return live;
  }
}

/** How many standbys have a name is not the release's, but how many there are to be. */
function sameNames({ hosts }: SlotSpec, other: SlotSpec): boolean {
  return hosts.length === other.hosts.length && hosts.every((host) => other.hosts.includes(host));
}
