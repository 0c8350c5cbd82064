import type { CapabilityName } from '@clusternator/core';
import type { Trial } from './trial.ts';

/** What cases are about. */
export type CaseGroup =
  | 'contract'
  | 'idempotency'
  | 'crash'
  | 'foundation'
  | 'transport'
  | 'consistency'
  | 'pagination'
  | 'concurrency'
  | 'identity'
  | 'environment'
  | 'slot'
  | 'dns'
  | 'storage'
  | 'state'
  | 'hygiene';

/** A driver that a case calls. Without it the provider is not capable. */
export type DriverName = 'environments' | 'slots' | 'storage' | 'dns' | 'state' | 'foundation';

/** What a harness can do. Without it a case is not run. */
export type Ability =
  | 'wire'
  | 'services'
  | 'refusals'
  | 'inventory'
  | 'resolve'
  | 'zone'
  | 'image'
  | 'plant'
  | 'remove'
  | 'annotate'
  | 'reroute'
  | 'floors'
  | 'permissions'
  | 'natives';

/** One thing that must hold of a provider. Knows no test runner: it throws when it does not hold. */
export interface Case {
  /** `slot/of-two-routings-from-one-reading-one-fails`: the part before the slash is its group. */
  readonly id: `${CaseGroup}/${string}`;
  /** In the list of what the kit covers: docs/reference/conformance.md. */
  readonly number: number;
  /** What must hold, as a sentence. */
  readonly title: string;
  readonly drivers: readonly DriverName[];
  /** Left out: none. */
  readonly needs?: readonly CapabilityName[];
  readonly uses?: readonly Ability[];
  run(trial: Trial): Promise<void>;
}
