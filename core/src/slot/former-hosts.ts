import type { Session } from '../host/session.ts';
import type { SlotDocument } from './documents.ts';
import type { SlotSpec } from './slot.ts';
import { membersOf } from './work.ts';

/** The hosts that a slot by DNS has had and, by its new spec, has no more: their records stay until nobody could want them back. */
export function formerHosts({ spec, formerHosts: known = [] }: SlotDocument, next: SlotSpec): readonly string[] {
  const wanted = new Set([...next.hosts, ...next.standbyHosts]);
  const had = spec ? [...spec.hosts, ...spec.standbyHosts] : [];
  return [...new Set([...known, ...had])].filter((host) => !wanted.has(host));
}

/**
 * Removes the records of hosts that a slot by DNS has dropped, unless the config of an environment that it keeps names them: a rollback there
 * wants them. Only what carries the slot's own note goes.
 * @returns The document without them. The same: nothing was to be removed.
 */
export async function dropFormerHosts(session: Session, slot: SlotDocument): Promise<SlotDocument> {
  const { formerHosts: former = [], ...rest } = slot;
  if (former.length === 0 || slot.mechanism !== 'dns' || slot.owner) return slot;
  const members = await membersOf(session, slot);
  const wanted = new Set([...members.values()].flatMap(({ config }) => config?.slots[slot.name]?.hosts ?? []));
  const unwanted = former.filter((host) => !wanted.has(host));
  if (unwanted.length === 0) return slot;
  const { dnsSlots } = await import('./dns-slots.ts');
  const { driver } = await dnsSlots(session, slot.dns ?? slot.provider);
  await session.briefly(`remove the records of ${unwanted.join(', ')}`, (call) => driver.forget(unwanted, call));
  const left = former.filter((host) => wanted.has(host));
  return left.length > 0 ? { ...rest, formerHosts: left } : rest;
}
