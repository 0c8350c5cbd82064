import type { Clients } from './clients.ts';
import type { ContainerLogs } from './container-logs.ts';
import type { Engine } from './engine.ts';
import type { Registry } from './registry.ts';
import type { Targets } from './targets.ts';

/** What the parts of a data plane have in common. */
export interface Plane {
  readonly clients: Clients;
  readonly engine: Engine;
  readonly logs: ContainerLogs | undefined;
  readonly registry: Registry;
  readonly targets: Targets;
  /** How many of AWS's seconds pass in one: for intervals, delays and grace, not for what programs take. */
  readonly speed: number;
}
