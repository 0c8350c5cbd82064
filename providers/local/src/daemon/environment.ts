import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BuildCache } from '@clusternator/core/cache';
import { ProviderError } from '@clusternator/core/provider';
import type { ContainerRuntime } from '../containers/runtime.ts';
import { sealedSchema, type InstancesBody, type Sealed, type ServiceBody } from '../control/protocol.ts';
import type { EnvironmentView, ExecView, HealthView, LogLineView } from '../control/views.ts';
import { ContainerService } from './container-service.ts';
import type { EnvironmentRecord, LocalDatabase } from './database.ts';
import { endProcesses } from './end-processes.ts';
import { EnvironmentLog, type LogRequest } from './environment-log.ts';
import { healthOf } from './environment-health.ts';
import { backendParts, partsOf } from './environment-parts.ts';
import { EnvironmentPorts } from './environment-ports.ts';
import { EnvironmentRoutes, type RoutesDeps } from './environment-routes.ts';
import { KEY_TAG, makeService, variablesOf } from './environment-services.ts';
import type { PortPool } from './port-pool.ts';
import { processesMarked } from './process-table.ts';
import { isOff, type Members, type RunningService } from './service.ts';
import { folderIn, removeTree } from './source-tree.ts';
import type { Vault } from './vault.ts';
import type { Volumes } from './storage/volumes.ts';
import { messageOf } from '../control/failure.ts';

/** What all environments of a daemon share. */
export interface EnvironmentDeps extends RoutesDeps {
  readonly home: string;
  readonly environmentsFolder: string;
  readonly database: LocalDatabase;
  readonly vault: Vault;
  readonly runtime: ContainerRuntime;
  readonly volumes: Volumes;
  readonly ports: PortPool;
  readonly caches: BuildCache;
  readonly onGone: (key: string) => void;
  /** @throws ProviderError `conflict`: another has a disk that it mounts. */
  readonly assertMayHold: (record: EnvironmentRecord, instances: Readonly<Record<string, InstancesBody>>) => void;
}

const RETRY_SECONDS = [0.5, 1, 2, 5, 10, 30] as const;

/**
 * One environment, kept as it is written down: whatever changes, `#settle` looks at all of it and does what is missing.
 * It may be killed at any moment; another daemon then makes it from its record and goes on.
 */
export class LocalEnvironment {
  #record: EnvironmentRecord;
  readonly #deps: EnvironmentDeps;
  readonly #folder: string;
  readonly #log: EnvironmentLog;
  readonly #services = new Map<string, RunningService>();
  readonly #routes: EnvironmentRoutes;
  readonly #ports: EnvironmentPorts;
  readonly #abort = new AbortController();
  readonly #waiting = new Set<() => void>();
  #revision = 0;
  #shown = '';
  #settling = false;
  #opened: Promise<void> = Promise.resolve();
  #ended: Promise<void> | undefined;
  #isBeingDestroyed = false;
  #gone = false;

  constructor(record: EnvironmentRecord, deps: EnvironmentDeps) {
    this.#record = record;
    this.#deps = deps;
    this.#folder = path.join(deps.environmentsFolder, record.key);
    this.#log = new EnvironmentLog(path.join(this.#folder, 'logs'), Object.keys(record.spec.services));
    this.#routes = new EnvironmentRoutes(record, deps);
    const settle = (): void => {
      this.#settle();
    };
    this.#ports = new EnvironmentPorts(record, deps.runtime, settle, this.#abort.signal);
  }

  get record(): EnvironmentRecord {
    return this.#record;
  }

  /** Goes on where its record says that it is. */
  start(): void {
    if (this.#record.phase === 'destroying') {
      this.destroy();
      return;
    }
    this.#opened = this.#open().catch((error: unknown) => {
      this.#fail(messageOf(error));
    });
  }

  view(): EnvironmentView {
    const { id, spec, phase, message, address, key } = this.#record;
    return {
      id,
      fingerprint: spec.fingerprint,
      tags: spec.tags,
      phase,
      ...(message !== undefined && { message }),
      handle: { environment: key },
      url: this.#url(),
      address,
      parts: partsOf(this.#record, this.#services),
      revision: this.#revision,
    };
  }

  /** Resolves when the view is another than at `revision`, the environment is gone, the time is over or the signal aborts. */
  async changed(revision: number, seconds: number, signal: AbortSignal): Promise<void> {
    if (this.#revision !== revision || this.#gone || seconds <= 0) return;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000)]);
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        limit.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      limit.addEventListener('abort', wake);
    });
  }

  logs(request: LogRequest, signal: AbortSignal): AsyncIterable<LogLineView> {
    return this.#log.read(request, signal);
  }

  health(signal: AbortSignal): Promise<HealthView> {
    return healthOf(this.#record, this.#services, this.#routes.lastRequestAt(), signal);
  }

  /** @throws ProviderError `not-found` (no such service), `conflict` (a disk is held by another). */
  scale(instances: Readonly<Record<string, InstancesBody>>): void {
    for (const name of Object.keys(instances)) this.#requireService(name);
    this.#deps.assertMayHold(this.#record, instances);
    this.#deps.database.setInstances(this.#record.key, instances);
    for (const [name, count] of Object.entries(instances)) this.#services.get(name)?.scale(count.max);
    this.#settle();
  }

  /** @throws ProviderError `not-found` (no such service), `conflict` (it does not run). */
  async exec(name: string): Promise<ExecView> {
    const spec = this.#requireService(name);
    const service = this.#services.get(name);
    if (service instanceof ContainerService && service.runningContainer !== undefined) {
      return { kind: 'container', container: service.runningContainer, home: this.#deps.home };
    }
    if (spec.artefact.kind === 'image' || service?.state.phase !== 'active') {
      throw new ProviderError('conflict', `no instance of service ${name} runs`);
    }
    const variables = variablesOf(this.#record, name, spec, { sealed: this.#unseal(), url: this.#url() });
    const port = service.state.endpoints[0]?.port;
    const env = { HOST: this.#record.address, ...variables, ...(port !== undefined && { PORT: String(port) }) };
    const directory = await folderIn(path.join(this.#folder, 'services', name), spec.workingDir);
    return { kind: 'process', directory, env };
  }

  /** The names of its containers that were made. */
  containers(): readonly string[] {
    return [...this.#services.values()].flatMap((it) => (it instanceof ContainerService ? it.containers : []));
  }

  /** What runs here and may write to a volume. */
  writersOf(volume: string): readonly Members[] {
    const { services } = this.#record.spec;
    const isWriter = (name: string): boolean =>
      Object.values(services[name]?.mounts ?? {}).some((mount) => mount.volume === volume && !mount.readOnly);
    return [...this.#services].filter(([name]) => isWriter(name)).map(([, service]) => service.members());
  }

  /** Services of which something runs, whether or not it is wanted. */
  running(): ReadonlySet<string> {
    return new Set([...this.#services].filter(([, service]) => service.isRunning).map(([name]) => name));
  }

  /** The engine told that something about a container changed. */
  containerChanged(container: string): void {
    for (const service of this.#services.values()) if (service instanceof ContainerService) service.refresh(container);
  }

  /** Ends what runs by this daemon alone; the next one brings it back. */
  suspend(): Promise<void> {
    this.#ended ??= this.#endServices({ forever: false });
    return this.#ended;
  }

  /** Begins to remove all of it; it may be waited for with `changed`. */
  destroy(): void {
    if (this.#record.phase !== 'destroying') this.#setPhase('destroying');
    if (this.#isBeingDestroyed) return;
    this.#isBeingDestroyed = true;
    void this.#destroyWithRetries();
  }

  async #open(): Promise<void> {
    const { key, spec, phase } = this.#record;
    const sealed = this.#unseal();
    this.#log.hide(Object.values(sealed.secrets).flatMap((values) => Object.values(values)));
    await this.#routes.open(backendParts(this.#record, this.#services));
    if (phase === 'failed') await this.#sweepContainers();
    if (phase === 'failed' || this.#abort.signal.aborted) return;
    const deps = {
      ...this.#deps,
      folder: this.#folder,
      markerPrefix: this.#markerPrefix(),
      url: this.#url(),
      log: this.#log,
      sealed,
      onChange: () => {
        this.#settle();
      },
    };
    for (const name of Object.keys(spec.services)) this.#services.set(name, makeService(this.#record, name, deps));
    this.#deps.log(`environment ${key} is looked after`);
    this.#settle();
  }

  /** Many changes at once are looked at together. */
  #settle(): void {
    if (this.#settling || this.#gone) return;
    this.#settling = true;
    setImmediate(() => {
      this.#settling = false;
      try {
        if (!this.#abort.signal.aborted) this.#settleNow();
        this.#show();
      } catch (error) {
        // The disk may be full: what could not be written down did not happen, and is tried again.
        this.#deps.log(`environment ${this.#record.key}: ${messageOf(error)}`);
        setTimeout(() => {
          this.#settle();
        }, 1000).unref();
      }
    });
  }

  #settleNow(): void {
    if (this.#record.phase !== 'creating' && this.#record.phase !== 'active') return;
    for (const [name, service] of this.#services) {
      const { phase, endpoints } = service.state;
      if (phase === 'waiting' && this.#hasWhatItNeeds(name)) service.start();
      this.#ports.update(name, endpoints);
    }
    if (this.#record.phase === 'creating') this.#judge();
  }

  #judge(): void {
    const states = [...this.#services.values()].map((service) => service.state);
    const failed = states.find((state) => state.phase === 'failed' && state.final);
    const problem = failed ? (failed.message ?? 'a service failed') : this.#ports.problem();
    if (problem !== undefined) this.#fail(problem);
    else if (states.every((state) => state.phase === 'active' || isOff(state))) this.#setPhase('active');
  }

  #hasWhatItNeeds(name: string): boolean {
    const needs = Object.keys(this.#record.spec.services[name]?.needs ?? {});
    return needs.every((needed) => {
      const state = this.#services.get(needed)?.state;
      return state !== undefined && (isOff(state) || (state.phase === 'active' && this.#ports.isSettled(needed)));
    });
  }

  #setPhase(phase: EnvironmentRecord['phase'], message?: string): void {
    this.#deps.database.setEnvironmentPhase(this.#record.key, phase, message);
    const { message: _, ...rest } = this.#record;
    this.#record = { ...rest, phase, ...(message !== undefined && { message }) };
    this.#show();
  }

  /** What it made so far does not go on running; its logs stay to be read. One that was active once stays, and says what it lacks. */
  #fail(message: string): void {
    if (this.#record.phase !== 'creating') {
      this.#setPhase(this.#record.phase, message);
      return;
    }
    this.#setPhase('failed', message);
    this.#ended ??= this.#endServices({ forever: true }).catch((error: unknown) => {
      this.#deps.log(`environment ${this.#record.key}, after it failed: ${messageOf(error)}`);
    });
  }

  /** Tells those who wait, and the proxy, if anything changed. */
  #show(): void {
    this.#routes.show(backendParts(this.#record, this.#services));
    const { revision: _, ...view } = this.view();
    const shown = JSON.stringify(view);
    if (shown === this.#shown && !this.#gone) return;
    this.#shown = shown;
    this.#revision++;
    for (const wake of [...this.#waiting]) wake();
  }

  async #endServices(how: { readonly forever: boolean }): Promise<void> {
    this.#abort.abort();
    await this.#opened;
    await this.#ports.close();
    await Promise.all([...this.#services.values()].map((service) => service.stop(how)));
    await endProcesses(() => processesMarked(this.#markerPrefix()), 0);
  }

  async #destroyWithRetries(): Promise<void> {
    for (let tries = 0; !this.#gone; tries++) {
      try {
        await this.#destroyNow();
      } catch (error) {
        this.#deps.log(`environment ${this.#record.key} can't be destroyed yet: ${messageOf(error)}`);
        this.#record = { ...this.#record, message: messageOf(error) };
        this.#show();
        await sleep((RETRY_SECONDS[Math.min(tries, RETRY_SECONDS.length - 1)] ?? 30) * 1000, undefined, { ref: false });
      }
    }
  }

  /** Nothing leads to it, then nothing of it runs, then nothing of it is kept. Its record goes last, so that it may be killed anywhere. */
  async #destroyNow(): Promise<void> {
    const { database, onGone } = this.#deps;
    const { key } = this.#record;
    this.#abort.abort();
    await this.#routes.close();
    await this.#ended;
    await this.#endServices({ forever: true });
    await this.#sweepContainers();
    this.#log.close();
    await removeTree(this.#folder);
    database.removeEnvironment(key);
    this.#gone = true;
    onGone(key);
    this.#show();
  }

  async #sweepContainers(): Promise<void> {
    const { key, spec } = this.#record;
    if (!Object.values(spec.services).some((service) => service.artefact.kind === 'image')) return;
    await this.#deps.runtime.sweep({ [KEY_TAG]: key }, 5, new AbortController().signal, { volumes: false });
  }

  #url(): string {
    return `http://${this.#record.spec.hosts[0] ?? this.#record.address}:${String(this.#deps.proxyPort)}`;
  }

  #unseal(): Sealed {
    return sealedSchema.parse(JSON.parse(this.#deps.vault.open(this.#record.sealed, this.#record.key)));
  }

  #markerPrefix(): string {
    return `${this.#deps.home}:${this.#record.key}:`;
  }

  #requireService(name: string): ServiceBody {
    const spec = this.#record.spec.services[name];
    if (!spec) throw new ProviderError('not-found', `environment ${this.#record.id} has no service ${name}`);
    return spec;
  }
}
