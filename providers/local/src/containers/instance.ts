import type { Tags } from '@clusternator/core/provider';

/** Which container: one instance of one service of one environment. */
export interface InstanceId {
  /** The environment's resource id, for example `1a2b3c4d5e6f-1`. */
  readonly environment: string;
  readonly service: string;
  /** From 0. */
  readonly index: number;
}

/** A folder of this machine or a volume of the engine, seen at `target` inside. */
export type Mount =
  | { readonly kind: 'folder'; readonly source: string; readonly target: string; readonly readOnly: boolean }
  | { readonly kind: 'volume'; readonly volume: string; readonly target: string; readonly readOnly: boolean };

/** Where an instance's port is to be reached from this machine. */
export interface Publication {
  /** Inside the container. */
  readonly port: number;
  /** A loopback address. Left out: 127.0.0.1. */
  readonly address?: string;
  /** On `address`. Left out: a free one, which changes whenever the container starts again. */
  readonly hostPort?: number;
}

/** One container that is to run. */
export interface InstanceSpec extends InstanceId {
  /** An image's id, `name@sha256:…` or `name:tag`; it has to be on the engine already. */
  readonly image: string;
  /** Instead of the image's own. Arguments, not a shell line. */
  readonly command?: readonly string[];
  /** With the secrets in it: they go to the process, and into no label, name, message or log of ours. */
  readonly env: Readonly<Record<string, string>>;
  /** Left out, nothing outside of the environment's network connects to it. */
  readonly publish?: Publication;
  readonly mounts?: readonly Mount[];
  /** More than the machine has means all that it has. */
  readonly cpus: number;
  readonly memoryMiB: number;
  /** From `ensureNetwork`. */
  readonly network: string;
  /** Names that the other containers of the network find it by. The service's own name is always one. */
  readonly aliases?: readonly string[];
  /** Further names that it finds, with their addresses. */
  readonly hosts?: Readonly<Record<string, string>>;
  readonly tags: Tags;
}

/**
 * What the engine says of an instance.
 * - `starting`: made, not started yet. `running`: its process runs, which says nothing of its health.
 * - `exited`: its process ended. With `restarting`, the engine starts it again after a pause that grows from 0.1 s to a minute.
 * - `absent`: there is no such container.
 */
export interface InstanceStatus {
  readonly name: string;
  readonly state: 'starting' | 'running' | 'exited' | 'absent';
  readonly restarting: boolean;
  /** How often the engine started it again by itself. */
  readonly restarts: number;
  readonly exitCode?: number;
  readonly oomKilled?: boolean;
  /** Of the published port, while it runs. */
  readonly endpoint?: { readonly host: string; readonly port: number };
  /** In the environment's network; on Linux, this machine reaches it there too. */
  readonly address?: string;
  readonly startedAt?: Date;
  /** The id of the image that it was made from. */
  readonly imageDigest?: string;
  /** What a person should know: why it ended, or what the image's own HEALTHCHECK says. */
  readonly message?: string;
  readonly id?: InstanceId;
  readonly tags?: Tags;
}

/** One line of one container. `cursor` is for `LogsQuery.after`. */
export interface ContainerLogLine {
  readonly at: Date;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
  readonly cursor: string;
}

/** Left out, `since` and `after`: all that the engine kept. */
export interface LogsQuery {
  readonly since?: Date;
  readonly after?: string;
  readonly follow: boolean;
}

/** A network of one environment. */
export interface ContainerNetwork {
  readonly name: string;
  readonly id: string;
  /** Where the containers of the network reach this machine. */
  readonly gateway: string;
  /** For example `172.18.0.0/16`. */
  readonly subnet: string;
}

/** A volume of the engine that carries our tags. */
export interface EngineVolume {
  readonly name: string;
  readonly tags: Tags;
}

/** Whether the engine can be used. */
export type EngineAvailability =
  | { readonly ok: true; readonly version: string; readonly apiVersion: string }
  | { readonly ok: false; readonly reason: string; readonly hint: string };
