import type { TrafficShare } from '../host/slots.ts';
import type { Handle } from '../provider/resource.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { SlotDocument } from './documents.ts';
import type { Route, Slot } from './slot.ts';

/** The environments that a slot has to do with, by id. */
export type Members = ReadonlyMap<string, EnvironmentDocument>;

/** What traffic a slot gives to whom, as its router says. Standbys are left out. */
export function trafficOf(slot: Slot | undefined, members: Members): readonly TrafficShare[] {
  return (slot?.routes ?? [])
    .filter(({ percent }) => percent > 0)
    .map(({ handle, percent, part }) => {
      const member = [...members.values()].find((one) => isSameAs(handle, wholeHandle(one)));
      return {
        ...(member && { environment: member.id, commit: member.commit }),
        percent,
        ...(part !== undefined && { part }),
      };
    });
}

/** Whether all that serves are environments that may: the head, and while an operation is under way where it comes from and goes to. */
export function mayServe(traffic: readonly TrafficShare[], slot: SlotDocument): boolean {
  const allowed = new Set([slot.head, ...(slot.owner ? [slot.to, slot.left] : [])]);
  const isFirst = slot.head === undefined;
  if (traffic.length === 0) return isFirst;
  if (!traffic.every(({ environment }) => environment !== undefined && allowed.has(environment))) return false;
  return slot.owner !== undefined || traffic.every(({ environment }) => environment === slot.head);
}

export function serves(traffic: readonly TrafficShare[], environment: string | undefined): boolean {
  return environment !== undefined && traffic.some((share) => share.environment === environment);
}

/** All of it, and in all parts. */
export function servesAlone(traffic: readonly TrafficShare[], environment: string | undefined): boolean {
  if (environment === undefined) return traffic.length === 0;
  return traffic.length === 1 && traffic[0]?.environment === environment && traffic[0].part === undefined;
}

/** Whether the router serves what was asked for, under the stamp where it keeps one. */
export function isAsAsked(slot: Slot, routes: readonly Route[], stamp: string): boolean {
  if (slot.stamp !== undefined && slot.stamp !== stamp) return false;
  const isOfParts = slot.routes.some(({ percent, part }) => percent > 0 && part !== undefined);
  return !isOfParts && serveTheSame(slot.routes, routes);
}

function serveTheSame(some: readonly Route[], others: readonly Route[]): boolean {
  const live = some.filter(({ percent }) => percent > 0);
  const wanted = others.filter(({ percent }) => percent > 0);
  if (live.length !== wanted.length) return false;
  return wanted.every((want) => live.some((one) => one.percent === want.percent && isSameAs(one.handle, want.handle)));
}

/** Whether each part serves as it did before, or as was asked for: a write of several parts that was cut short. */
export function isCutShort({ routes }: Slot, before: readonly Route[], after: readonly Route[]): boolean {
  const serving = routes.filter(({ percent }) => percent > 0);
  if (serving.length === 0 || serving.some(({ part }) => part === undefined)) return false;
  const parts = [...Map.groupBy(serving, ({ part }) => part).values()];
  return parts.every((live) => [before, after].some((wanted) => serveTheSame(live, wanted)));
}

/** The routes for traffic as asked, with the standbys behind it. What has no handle any more is left out. */
export function routesFor(
  shares: readonly { readonly environment: string; readonly percent: number }[],
  standbys: readonly string[],
  members: Members,
  mechanism: SlotDocument['mechanism'],
): readonly Route[] {
  const serving = new Set(shares.map(({ environment }) => environment));
  const idle = standbys.filter((one) => !serving.has(one)).map((environment) => ({ environment, percent: 0 }));
  return [...shares, ...idle].flatMap(({ environment, percent }) => {
    const member = members.get(environment);
    const handle = mechanism === 'dns' ? member && addressOf(member) : member?.environment?.handle;
    return handle ? [{ handle, percent }] : [];
  });
}

/** What a record has to hold, as a route's handle. */
function addressOf({ environment }: Pick<EnvironmentDocument, 'environment'>): Handle {
  const address = environment?.address;
  return address ? { dnsType: address.type, dnsValue: address.value } : {};
}
function wholeHandle(document: Pick<EnvironmentDocument, 'environment'>): Handle {
  return { ...document.environment?.handle, ...addressOf(document) };
}

/** Whether a slot's routes name an environment, be it as a standby without traffic. */
export function leadsTo(slot: Slot | undefined, document: Pick<EnvironmentDocument, 'environment'>): boolean {
  return slot?.routes.some(({ handle }) => isSameAs(handle, wholeHandle(document))) ?? false;
}

/** A router shows as much of a handle as it keeps. */
function isSameAs(shown: Handle, whole: Handle): boolean {
  const keys = Object.keys(shown);
  return (
    keys.length > 0 &&
    keys.some((key) => key in whole) &&
    keys.every((key) => !(key in whole) || whole[key] === shown[key])
  );
}

/** For people: `1a2b3c4d5e6f 90 %, an unknown environment 10 %`. */
export function describeTraffic(traffic: readonly TrafficShare[]): string {
  if (traffic.length === 0) return 'nothing';
  return traffic
    .map(({ environment, percent, part }) => {
      const where = part === undefined ? '' : ` (${part})`;
      return `${environment ?? 'an unknown environment'} ${String(percent)} %${where}`;
    })
    .join(', ');
}
