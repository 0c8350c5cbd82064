import { canFor, type Capabilities, type Provider } from '@clusternator/core';
import type { Wire } from '../proxy/wire.ts';
import type { Ability, Case, DriverName } from './case.ts';
import type { Account, Harness } from './harness.ts';

/** Why a case can't be run here. */
export interface Gate {
  readonly outcome: 'incapable' | 'not-run';
  readonly note: string;
}

const MISSING: Readonly<Record<Ability, string>> = {
  services: 'the environments of the harness are of sites, which run nothing (Harness.parts)',
  wire: 'the harness puts no fault proxy before its cloud (HarnessTools.proxy)',
  refusals: 'the harness does not say how its cloud refuses (Harness.refusals)',
  inventory: 'the harness does not list what is in the account (Account.inventory)',
  resolve: 'the harness asks no authoritative DNS server (Account.resolve)',
  zone: 'the harness names no zone to write in (Account.zone)',
  image: "the harness gives no image of the kit's app (Account.image)",
  plant: 'the harness plants nothing of a stranger (Stranger.plant)',
  remove: 'the harness removes nothing behind our back (Stranger.remove)',
  annotate: 'the harness adds no tags of a stranger (Stranger.annotate)',
  reroute: 'the harness reroutes no slot behind our back (Stranger.reroute)',
  floors: 'the harness declares no floors (Harness.floors)',
  permissions: 'the harness does not say which permission a call needs (Harness.permissionOf)',
  natives: 'the harness names no keys of the escape hatch (Harness.natives)',
};

/** Undefined: it can be run. What the provider lacks comes before what the harness lacks. */
export function gateOf(
  one: Case,
  { harness, account, wire }: { readonly harness: Harness; readonly account: Account; readonly wire: Wire | undefined },
  capabilities: Capabilities,
): Gate | undefined {
  const driver = one.drivers.find((name) => !hasDriver(harness.provider, name));
  if (driver) return { outcome: 'incapable', note: `the provider has no ${driver} driver` };
  for (const name of one.needs ?? []) {
    const capability = capabilities[name];
    // The kit's volumes are files.
    if (canFor(capabilities, name, 'files')) continue;
    return { outcome: 'incapable', note: `${name}: ${capability?.note ?? 'is not declared, and so a no'}` };
  }
  const leftOut = harness.leaveOut?.[one.id];
  if (leftOut !== undefined) return { outcome: 'not-run', note: leftOut };
  const lacking = (one.uses ?? []).find((ability) => !has(ability, harness, account, wire));
  return lacking && { outcome: 'not-run', note: MISSING[lacking] };
}

function hasDriver({ drivers }: Provider, name: DriverName): boolean {
  return drivers[name] !== undefined;
}

function has(ability: Ability, harness: Harness, account: Account, wire: Wire | undefined): boolean {
  switch (ability) {
    case 'wire':
      return wire !== undefined;
    case 'services':
      return harness.parts !== 'sites';
    case 'refusals':
      return harness.refusals !== undefined;
    case 'inventory':
    case 'resolve':
    case 'zone':
    case 'image':
      return account[ability] !== undefined;
    case 'plant':
    case 'remove':
    case 'annotate':
    case 'reroute':
      return account.stranger?.[ability] !== undefined;
    case 'floors':
      return harness.floors !== undefined;
    case 'permissions':
      return harness.permissionOf !== undefined;
    case 'natives':
      return harness.natives !== undefined;
  }
}
