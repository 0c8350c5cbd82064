import type { RecordSet } from '../dns/dns.ts';
import { writeRecords } from '../dns/write-records.ts';
import { sameRecords } from '../dns/zone-of.ts';
import type { ProviderError } from '../provider/error.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { SlotDocument } from './documents.ts';
import { refuseDrift } from './drift.ts';
import { formerHosts } from './former-hosts.ts';
import { slotSettings, slotSpec } from './settings.ts';
import type { Slot, SlotSpec } from './slot.ts';
import type { Members } from './traffic.ts';
import { asProviderError, superseded, type SlotWork } from './work.ts';

/**
 * Gives the slot the names and paths of a spec, at its router and in its document. The version that it then has is good only while we own it.
 * @throws ProviderError `superseded`, `drifted`, and what the router says.
 */
export async function nameSlot(work: SlotWork, spec: SlotSpec, members: Members): Promise<Slot> {
  const { session, hold, router } = work;
  // A slot by DNS is found by the names that its document has.
  const named = (now: SlotDocument): SlotDocument => ({ ...now, spec, formerHosts: formerHosts(now, spec) });
  if (hold.slot.mechanism === 'dns' && !(await hold.put(named))) throw superseded(work);
  const made = await router.ensure(spec);
  const { records = [] } = made;
  await nameRecords(work, records);
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

/** Its document names each record before it is written, so that none is forgotten. */
async function nameRecords(work: SlotWork, wanted: readonly RecordSet[]): Promise<void> {
  const { session, hold } = work;
  const { records: known = [] } = hold.slot;
  const isNew = (set: RecordSet): boolean => !known.some((one) => sameRecords(one, set));
  if (wanted.some(isNew)) {
    const named = (now: SlotDocument): SlotDocument => ({ ...now, records: [...known, ...wanted.filter(isNew)] });
    if (!(await hold.put(named))) throw await lost(work, []);
  }
  const what = `slot ${hold.slot.name}`;
  await session.briefly(`write the records of ${what}`, (call) =>
    writeRecords(session, { ...hold.slot, what }, wanted, call),
  );
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
    return await nameSlot(work, wanted, members);
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
