import { cachedInstall, type BuildCache, type CacheSettings } from '@clusternator/core/cache';
import { endProcesses } from './end-processes.ts';
import { LineSplitter } from './log-lines.ts';
import { ProcessInstance } from './process-instance.ts';
import { MARKER, processesMarked, withDescendants, type ProcessEntry } from './process-table.ts';
import {
  CRASH_LOOP_ENDS,
  HOPELESS_ENDS,
  WITHIN_SECONDS,
  withLastLines,
  type Members,
  type PartHealth,
  type RunningService,
  type ServiceContext,
  type ServiceState,
} from './service.ts';
import { copyTree, folderIn, linkVolume, removeTree } from './source-tree.ts';
import { groupMembers, spawnGroup, type Launch } from './supervised-process.ts';
import { messageOf } from '../control/failure.ts';

export interface ProcessServiceOptions {
  readonly context: ServiceContext;
  /** The service's own copy of its source tree. */
  readonly tree: string;
  /** Begins every marker of this environment's processes. */
  readonly markerPrefix: string;
  /** What earlier installs of the project left. */
  readonly cache?: CacheSettings & { readonly store: BuildCache; readonly owner: string };
  readonly isPrepared: () => boolean;
  readonly setPrepared: () => void;
  /** By mount path: the folder that holds the volume's data. */
  volumeFolders(): Promise<Readonly<Record<string, string>>>;
  readonly reservePort: () => Promise<number>;
  readonly releasePort: (port: number) => void;
  readonly onSpawn: (process: ProcessEntry) => void;
  readonly onGone: (pid: number) => void;
}

/** A service that runs a command in a source tree. */
export class ProcessService implements RunningService {
  readonly #options: ProcessServiceOptions;
  readonly #abort = new AbortController();
  #wanted: number;
  #stage: 'waiting' | 'preparing' | 'running' | 'failed' = 'waiting';
  #failure = '';
  #launch: Launch | undefined;
  #instances: ProcessInstance[] = [];
  #unreadySinceMs = 0;
  #wasReady = false;
  #lateTimer: NodeJS.Timeout | undefined;
  #work: Promise<void> = Promise.resolve();
  #leaving = new Set<Promise<void>>();
  #hasEnded = false;

  constructor(options: ProcessServiceOptions) {
    this.#options = options;
    this.#wanted = options.context.instances;
  }

  get state(): ServiceState {
    if (this.#wanted === 0) return { phase: this.isRunning ? 'stopping' : 'stopped', endpoints: [] };
    if (this.#stage === 'failed') return { phase: 'failed', message: this.#failure, final: true, endpoints: [] };
    if (this.#stage !== 'running') return { phase: this.#stage, endpoints: [] };
    return this.#stateOfInstances();
  }

  get isRunning(): boolean {
    return !this.#hasEnded && (this.#instances.length > 0 || this.#leaving.size > 0);
  }

  start(): void {
    if (this.#stage !== 'waiting' || this.#wanted === 0) return;
    this.#stage = 'preparing';
    this.#work = this.#prepare();
  }

  scale(instances: number): void {
    this.#wanted = instances;
    if (this.#stage === 'running') {
      this.#expectReady();
      this.#match();
    } else this.start();
    this.#options.context.onChange();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    clearTimeout(this.#lateTimer);
    await this.#work;
    await Promise.all([...this.#leaving, ...this.#instances.map((instance) => instance.stop())]);
    this.#hasEnded = true;
  }

  async health(signal: AbortSignal): Promise<PartHealth> {
    const looks = await Promise.all(this.#instances.map((instance) => instance.look(signal)));
    const healthy = looks.length > 0 && looks.every((look) => look.ok);
    const bad = looks.find((look) => !look.ok);
    const message = bad?.message ?? this.state.message;
    return { healthy, instances: looks.filter((look) => look.ok).length, ...(message !== undefined && { message }) };
  }

  /** With those that left their group, and those that wiped their environment. */
  members(): Members {
    const { context, markerPrefix } = this.#options;
    const marked = processesMarked(`${markerPrefix}${context.name}:`);
    const groups = this.#instances.flatMap((instance) => instance.members());
    return { processes: withDescendants([...marked, ...groups]), containers: [] };
  }

  /** From now on, it has so long to become healthy. */
  #expectReady(): void {
    this.#unreadySinceMs = Date.now();
    clearTimeout(this.#lateTimer);
    this.#lateTimer = setTimeout(this.#options.context.onChange, this.#withinSeconds() * 1000 + 1).unref();
  }

  #instanceChanged(): void {
    const isReady = this.#instances.every((instance) => instance.ready);
    if (!isReady && this.#wasReady) this.#expectReady();
    this.#wasReady = isReady;
    this.#options.context.onChange();
  }

  #stateOfInstances(): ServiceState {
    const { name, log } = this.#options.context;
    const endpoints = this.#instances.flatMap((instance) => instance.endpoint ?? []);
    const broken = this.#instances.map((it) => it.process).find((it) => it.name === 'broken');
    if (broken?.name === 'broken') {
      return { phase: 'failed', message: `service ${name}: ${broken.why}`, final: true, endpoints };
    }
    if (this.#instances.length > 0 && this.#instances.every((instance) => instance.ready))
      return { phase: 'active', endpoints };
    const ends = Math.max(0, ...this.#instances.map((instance) => instance.endsInARow));
    const ended = this.#instances.map((it) => it.process).find((it) => it.name === 'waiting');
    if (ends >= CRASH_LOOP_ENDS) {
      const why = ended?.name === 'waiting' ? ended.why : 'ends again and again';
      const message = withLastLines(`service ${name} ${why}, ${String(ends)} times in a row`, log.tail(name, 10));
      return { phase: 'failed', message, ...(ends >= HOPELESS_ENDS && { final: true as const }), endpoints };
    }
    if (Date.now() - this.#unreadySinceMs >= this.#withinSeconds() * 1000) return this.#late(endpoints);
    return { phase: 'starting', endpoints };
  }

  #late(endpoints: ServiceState['endpoints']): ServiceState {
    const { name, log } = this.#options.context;
    const why = this.#instances.find((instance) => !instance.ready)?.waitsFor() ?? '';
    const message = `service ${name} did not become healthy within ${String(this.#withinSeconds())} s: ${why}`;
    return { phase: 'failed', message: withLastLines(message, log.tail(name, 10)), final: true, endpoints };
  }

  #withinSeconds(): number {
    return this.#options.context.spec.health?.withinSeconds ?? WITHIN_SECONDS;
  }

  async #prepare(): Promise<void> {
    const { context, isPrepared, setPrepared, tree } = this.#options;
    const signal = this.#abort.signal;
    try {
      if (!isPrepared()) {
        if (context.spec.artefact.kind === 'files') await copyTree(context.spec.artefact.folder, tree, signal);
        if (context.spec.install) await this.#installWithCache(context.spec.install, signal);
        setPrepared();
      }
      for (const [mountPath, folder] of Object.entries(await this.#options.volumeFolders())) {
        await linkVolume(tree, mountPath, folder);
      }
      const directory = await folderIn(tree, context.spec.workingDir);
      this.#launch = { argv: context.spec.command ?? [], directory, env: context.env };
      if (signal.aborted) return;
      this.#stage = 'running';
      this.#expectReady();
      this.#match();
    } catch (error) {
      if (signal.aborted) return;
      // What was copied may be what filled the disk, on which the failure is yet to be written down.
      if (!isPrepared()) await removeTree(tree).catch(() => undefined);
      this.#failure = `service ${context.name}: ${messageOf(error)}`;
      this.#stage = 'failed';
    }
    context.onChange();
  }

  /** What it says of the cache is in the service's log. */
  async #installWithCache(argv: readonly string[], signal: AbortSignal): Promise<void> {
    const { cache, context, tree } = this.#options;
    const { name: part, log } = context;
    const tell = (message: string): void => {
      log.append(part, 'install', [message]);
    };
    const use = cache && { ...cache, part, tree, signal, tell };
    const run = async (): Promise<void> => {
      if (use) await use.store.restore(use);
      await this.#install(argv, signal);
      if (use) await use.store.save(use);
    };
    const { installCache, env: variables } = context.spec;
    if (!use) return run();
    await cachedInstall({ store: use.store, use, installCache, argv, env: context.env, variables, run });
  }

  /** Its lines are the service's. @throws Error with its last lines. */
  async #install(argv: readonly string[], signal: AbortSignal): Promise<void> {
    const { context, markerPrefix, tree } = this.#options;
    const env = { ...context.env, [MARKER]: `${markerPrefix}${context.name}:install` };
    signal.throwIfAborted();
    const child = await spawnGroup({ argv, directory: tree, env });
    for (const stream of [child.stdout, child.stderr]) {
      const splitter = new LineSplitter();
      stream?.on('data', (bytes: Buffer) => {
        context.log.append(context.name, 'install', splitter.write(bytes));
      });
      stream?.once('end', () => {
        context.log.append(context.name, 'install', splitter.end());
      });
    }
    const ended = Promise.withResolvers<string | undefined>();
    child.once('close', (code, why) => {
      if (code === 0) ended.resolve(undefined);
      else ended.resolve(why ? `was ended by ${why}` : `exited with code ${String(code)}`);
    });
    const end = (): Promise<boolean> => endProcesses(() => groupMembers(child.pid ?? 0), 0);
    const abort = (): void => void end();
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    const failure = await ended.promise;
    signal.removeEventListener('abort', abort);
    await end();
    signal.throwIfAborted();
    if (failure) throw new Error(withLastLines(`its install command ${failure}`, context.log.tail(context.name, 10)));
  }

  /** As many instances as are wanted; the newest go first. One that leaves is waited for, where it holds what the next one mounts. */
  #match(): void {
    const mayStart = this.#leaving.size === 0 || Object.keys(this.#options.context.spec.mounts).length === 0;
    while (mayStart && this.#instances.length < this.#wanted && this.#launch) {
      const context = {
        ...this.#options.context,
        onChange: () => {
          this.#instanceChanged();
        },
      };
      const index = this.#instances.length;
      const instance = new ProcessInstance({ ...this.#options, context, index, launch: this.#launch });
      this.#instances.push(instance);
      instance.start();
    }
    this.#wasReady = false;
    for (const instance of this.#instances.splice(this.#wanted)) {
      const gone = instance.stop().finally(() => {
        this.#leaving.delete(gone);
        if (!this.#abort.signal.aborted) this.#match();
        this.#options.context.onChange();
      });
      this.#leaving.add(gone);
    }
  }
}
