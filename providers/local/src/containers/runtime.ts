import type { ExecRequest, Tags } from '@clusternator/core/provider';
import { Containers, nameOf } from './containers.ts';
import { Engine } from './engine.ts';
import { Ensuring } from './ensure.ts';
import { Execs, type ContainerExecSession } from './exec.ts';
import type {
  ContainerLogLine,
  ContainerNetwork,
  EngineAvailability,
  EngineVolume,
  InstanceId,
  InstanceSpec,
  InstanceStatus,
  LogsQuery,
} from './instance.ts';
import { Ownership } from './labels.ts';
import { Logs } from './logs.ts';
import { Networks } from './networks.ts';
import { VolumeArchive } from './volume-archive.ts';
import { Volumes } from './volumes.ts';
import { Watch, type WatchHandlers } from './watch.ts';

export interface ContainerRuntimeOptions {
  /** Tells this state folder's containers from another's on the same engine: 4 to 16 of [a-z0-9]. In every name and label. */
  readonly home: string;
  /** For `DOCKER_HOST`, `DOCKER_TLS_VERIFY`, `DOCKER_CERT_PATH` and `HOME`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How long the engine may take over what it usually does at once. */
  readonly callTimeoutSeconds?: number;
  /** How often `watch` compares what it knows with what is there. */
  readonly resyncSeconds?: number;
}

/** What `sweep` removed, by name. */
export interface Swept {
  readonly containers: readonly string[];
  readonly networks: readonly string[];
  readonly volumes: readonly string[];
}

/**
 * Containers of environments on this machine's Docker Engine. Loads and connects to nothing before the first call.
 * Whatever was not made from the same `home` is never touched.
 * Besides the codes at each method, all of them throw ProviderError `unavailable` (no engine answers), `denied` (this user may not
 * use it), `timeout` (it does not answer in time), `cancelled` (the signal) and `quota` (the disk is full).
 */
export class ContainerRuntime {
  private readonly engine: Engine;
  private readonly ours: Ownership;
  private readonly containers: Containers;
  private readonly networks: Networks;
  private readonly volumes: Volumes;
  /** What the volumes hold. */
  readonly archive: VolumeArchive;
  private readonly ensuring: Ensuring;
  private readonly reading: Logs;
  private readonly execs: Execs;
  private readonly resyncSeconds: number;

  /** @throws ProviderError `invalid` (home). */
  constructor({ home, env, callTimeoutSeconds = 30, resyncSeconds = 30 }: ContainerRuntimeOptions) {
    this.engine = new Engine({ env, callTimeoutSeconds });
    this.ours = new Ownership(home);
    this.containers = new Containers(this.engine, this.ours);
    this.networks = new Networks(this.engine, this.ours);
    this.volumes = new Volumes(this.engine, this.ours);
    this.archive = new VolumeArchive(this.engine, this.ours);
    this.ensuring = new Ensuring(this.engine, this.ours, this.containers, this.volumes);
    this.reading = new Logs(this.engine, this.containers);
    this.execs = new Execs(this.engine, this.containers);
    this.resyncSeconds = resyncSeconds;
  }

  /** Whether the engine answers and is new enough. @throws ProviderError `cancelled`, and nothing else. */
  available(signal: AbortSignal): Promise<EngineAvailability> {
    return this.engine.available(signal);
  }

  /** The same for the same instance, at most 63 characters. */
  nameOf(id: InstanceId): string {
    return this.ours.containerName(id);
  }

  /** @throws ProviderError `quota` (the engine has no addresses left), `owned-by-other`. */
  ensureNetwork(
    spec: { readonly environment: string; readonly tags: Tags },
    signal: AbortSignal,
  ): Promise<ContainerNetwork> {
    return this.networks.ensure(spec.environment, spec.tags, signal);
  }

  /** Succeeds where there is none. @throws ProviderError `conflict` (containers are on it), `owned-by-other`. */
  removeNetwork(environment: string, signal: AbortSignal): Promise<void> {
    return this.networks.remove(environment, signal);
  }

  /**
   * Makes and starts a container, or starts the one that is there. One that runs and was made from an equal spec is left alone.
   * That its process ends soon after is no error of this call: `inspect` and `watch` tell.
   * @throws ProviderError `already-exists` (made from another spec, and left as it is), `owned-by-other`, `conflict` (the port is taken),
   *   `not-found` with path `image`, `mounts` or `network`, `invalid` with path `command`, `env`, `memoryMiB` or `mounts`.
   */
  ensure(spec: InstanceSpec, signal: AbortSignal): Promise<InstanceStatus> {
    return this.ensuring.ensure(spec, signal);
  }

  /** `absent` where there is none. @throws ProviderError `owned-by-other`. */
  inspect(name: string, signal: AbortSignal): Promise<InstanceStatus> {
    return this.containers.inspect(name, signal);
  }

  /** Those of this home that have all of these tags. */
  list(tags: Tags, signal: AbortSignal): Promise<InstanceStatus[]> {
    return this.containers.list(tags, signal);
  }

  /** The newest lines of its log, oldest first: for messages. Empty where there is no container. */
  lastLines(name: string, count: number, signal: AbortSignal): Promise<string[]> {
    return this.reading.last(name, count, signal);
  }

  /** It stays stopped, also over a restart of the engine. Succeeds where there is none. @throws ProviderError `owned-by-other`. */
  stop(name: string, graceSeconds: number, signal: AbortSignal): Promise<void> {
    return this.containers.stop(name, graceSeconds, signal);
  }

  /** Its processes stop where they are, until `unpause` or `ensure`. @throws ProviderError `conflict` (it does not run). */
  pause(name: string, signal: AbortSignal): Promise<void> {
    return this.containers.pause(name, signal);
  }

  /** Succeeds where it is not paused, or gone. */
  unpause(name: string, signal: AbortSignal): Promise<void> {
    return this.containers.unpause(name, signal);
  }

  /** With its log and its anonymous volumes. Succeeds where there is none. @throws ProviderError `owned-by-other`. */
  remove(name: string, graceSeconds: number, signal: AbortSignal): Promise<void> {
    return this.containers.remove(name, graceSeconds, signal);
  }

  /**
   * Oldest first. Ends with the newest line or, when it follows, with the container: it goes on over restarts of the process
   * and absences of the engine. The engine keeps the newest 30 MB.
   * @throws ProviderError `not-found`, `invalid` (after), `owned-by-other`.
   */
  logs(name: string, query: LogsQuery, signal: AbortSignal): AsyncIterable<ContainerLogLine> {
    return this.reading.read(name, query, signal);
  }

  /** The signal ends the command too. @throws ProviderError `not-found`, `conflict` (it does not run), `owned-by-other`. */
  exec(
    name: string,
    request: Pick<ExecRequest, 'command' | 'terminal'>,
    signal: AbortSignal,
  ): Promise<ContainerExecSession> {
    return this.execs.start(name, request, signal);
  }

  /** @throws ProviderError `owned-by-other`. */
  ensureVolume(name: string, tags: Tags, signal: AbortSignal): Promise<void> {
    return this.volumes.ensure(name, tags, signal);
  }

  /** With all data in it. Succeeds where there is none. @throws ProviderError `conflict` (in use), `owned-by-other`. */
  removeVolume(name: string, signal: AbortSignal): Promise<void> {
    return this.volumes.remove(name, signal);
  }

  /** Those of this home that have all of these tags. */
  listVolumes(tags: Tags, signal: AbortSignal): Promise<EngineVolume[]> {
    return this.volumes.list(tags, signal);
  }

  /** Removes all of this home that has these tags. Volumes, and the data in them, only when asked to. */
  async sweep(tags: Tags, graceSeconds: number, signal: AbortSignal, also = { volumes: false }): Promise<Swept> {
    const containers = (await this.containers.listInfo(tags, signal)).map(nameOf);
    await Promise.all(containers.map((name) => this.containers.remove(name, graceSeconds, signal)));
    const networks = await this.networks.list(tags, signal);
    await Promise.all(networks.map(({ id, name }) => this.networks.removeById(id, name, signal)));
    const volumes = also.volumes ? (await this.volumes.list(tags, signal)).map(({ name }) => name) : [];
    await Promise.all(volumes.map((name) => this.volumes.remove(name, signal)));
    return { containers, networks: networks.map(({ name }) => name), volumes };
  }

  /** Resolves when the signal aborts. No change is missed, but one may be told twice. */
  watch(handlers: WatchHandlers, signal: AbortSignal): Promise<void> {
    return new Watch(this.engine, this.ours, this.containers, handlers, this.resyncSeconds).run(signal);
  }
}
