import type { EnvironmentDocument } from '../state/documents.ts';
import { writeRecords } from './dns-records.ts';
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
  await writeRecords(session, hold.slot, records);
  const url =
    made.url ?? (spec.hosts[0] === undefined ? undefined : `${spec.tls ? 'https' : 'http'}://${spec.hosts[0]}`);
  // The version first, then that we still own it: a taker's route comes after its put, and so moves this version.
  if (!(await hold.isStillOurs())) throw superseded(work);
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
