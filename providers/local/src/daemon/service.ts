import type { ServiceBody } from '../control/protocol.ts';
import type { HealthView } from '../control/views.ts';
import type { EnvironmentLog } from './environment-log.ts';
import type { Endpoint } from './endpoint.ts';
import type { ProcessEntry } from './process-table.ts';

/**
 * - `waiting`: for the services that it needs. `preparing`: its source tree, its image. `starting`: not healthy yet.
 * - `failed`: it does not run, or not for long. What still may help is tried, unless `final`.
 * - `stopping`: no instance is wanted, and one still runs. `stopped`: none runs.
 */
export interface ServiceState {
  readonly phase: 'waiting' | 'preparing' | 'starting' | 'active' | 'stopping' | 'stopped' | 'failed';
  readonly message?: string;
  /** No further try will help. */
  readonly final?: true;
  /** Of the instances that are healthy. */
  readonly endpoints: readonly Endpoint[];
}

export type PartHealth = HealthView['parts'][string];

/** What runs of a service at this moment. */
export interface Members {
  readonly processes: readonly ProcessEntry[];
  /** By name. */
  readonly containers: readonly string[];
}

/** One service of one environment, as processes or as containers. */
export interface RunningService {
  readonly state: ServiceState;
  /** Something of it runs, or may: what it mounts is held. */
  readonly isRunning: boolean;
  /** Once what it needs is there. */
  start(): void;
  scale(instances: number): void;
  /** Ends what this daemon runs for it, and with `forever` what runs without it too. May be called again. */
  stop(how: { readonly forever: boolean }): Promise<void>;
  health(signal: AbortSignal): Promise<PartHealth>;
  members(): Members;
}

/** No instance of it is wanted. */
export function isOff({ phase }: ServiceState): boolean {
  return phase === 'stopping' || phase === 'stopped';
}

/** What both kinds of services are made from. */
export interface ServiceContext {
  /** The environment's, on this machine. */
  readonly key: string;
  readonly name: string;
  readonly spec: ServiceBody;
  /** Instances to begin with. */
  readonly instances: number;
  /** The environment's own loopback address. */
  readonly address: string;
  /** For the Host header of health checks. */
  readonly host: string;
  /** The service's variables with its secrets; not yet those that depend on how it runs. */
  readonly env: Readonly<Record<string, string>>;
  readonly log: EnvironmentLog;
  readonly onChange: () => void;
}

/** Without a health check a service has this long to take connections. */
export const WITHIN_SECONDS = 60;
/** From this many ends in a row on, a service counts as failed until it is healthy again. */
export const CRASH_LOOP_ENDS = 3;
/** An environment that is being made gives up after this many. */
export const HOPELESS_ENDS = 5;

/** `service api exited with code 1`, and below it what it said last. */
export function withLastLines(message: string, lines: readonly string[]): string {
  return [message, ...lines.slice(-10).map((line) => `  | ${line}`)].join('\n');
}
