import type { Capabilities } from '../provider/capabilities.ts';
import type { EngineEvent } from '../engine/events.ts';
import type { ExecSession, ExecRequest, Health, LogLine, LogQuery } from '../environment/environment.ts';
import type { Plan } from '../provider/resource.ts';
import type { ErrorCode } from '../provider/error.ts';
import type { ProjectConfig } from '../config/schema.ts';
import type { ProviderSource } from './discovery.ts';
import type { Foundations } from './foundations.ts';
import type { Slots } from './slots.ts';
import type { Storages } from './storage.ts';

/** Where a project is, and what it is told from outside. `{ directory }` is enough. */
export interface OpenOptions {
  /** A folder of the repository's work tree. */
  readonly directory: string;
  /** A config file to use in place of the commit's own. */
  readonly configFile?: string;
  /** The provider in place of the config's. */
  readonly provider?: string;
  /** Values laid over the config, such as `services.api.memory=1Gi`. */
  readonly set?: readonly string[];
  /** A separate world of environments and slots. */
  readonly stage?: string;
  /** Project name, where there is no repository to read it from. */
  readonly project?: string;
  /** Variables for credentials, secrets and `CLUSTERNATOR_*`. Left out: those of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where state is kept. Left out: where the command line keeps it, `$XDG_STATE_HOME/clusternator`. */
  readonly stateFolder?: string;
  /** The providers that may be loaded, as their manifests say. Left out: those among the packages that the project or the running program
   *  names in its package.json. */
  readonly providers?: readonly ProviderSource[] | (() => Promise<readonly ProviderSource[]>);
  /** Ends whatever the project does. What it has begun can be resumed. */
  readonly signal?: AbortSignal;
  /** Gets each event as it happens. `Project.events` tells the same ones. */
  readonly emit?: (event: EngineEvent) => void;
}

/** Ends one piece of work alone. What it has begun can be resumed. */
export interface Cancellable {
  /** Aborted: the work ends at once with `cancelled`, and its operation is left to be resumed. */
  readonly signal?: AbortSignal;
}

/** Names a commit: at most one of the three. None: HEAD. */
export interface CommitRequest {
  readonly sha?: string;
  readonly ref?: string;
  readonly pullRequest?: number;
}

/** An environment to make. */
export interface CreateRequest extends CommitRequest, Cancellable {
  /** Also the own environment of this slot, ahead of a promotion. Its result is what is told. */
  readonly slot?: string;
  /** After which it is destroyed, unless a slot uses it. In place of the config's. */
  readonly ttlSeconds?: number;
  /** Variables for secrets, from `--env-file`. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** False: returns once the operation is written down, which goes on in the background. */
  readonly wait?: boolean;
  /** How long is waited for it. The operation can be resumed. */
  readonly timeoutSeconds?: number;
}

/** What `env create`, `env show` and `env list` tell of an environment. All plain data. */
export interface EnvironmentView {
  readonly id: string;
  /** 40 hex. */
  readonly commit: string;
  readonly ref?: string;
  readonly slot?: string;
  readonly subject?: string;
  readonly author?: string;
  readonly phase: 'creating' | 'ready' | 'failed' | 'destroying' | 'gone';
  readonly url?: string;
  readonly provider: string;
  readonly services: readonly PartView[];
  readonly createdAt: string;
  readonly readyAt?: string;
  readonly expiresAt?: string;
  /** Of one that is gone: until when its logs can be read. */
  readonly logsUntil?: string;
  /** Slots that use it. */
  readonly pins: readonly string[];
  readonly operation?: string;
  readonly error?: { readonly code: ErrorCode; readonly message: string; readonly hint?: string };
}
/** A service or a site. `state` is its phase, or what the provider says of it. */
export interface PartView {
  readonly name: string;
  readonly kind: 'service' | 'site';
  readonly state: string;
  readonly url?: string;
  readonly digest?: string;
  readonly message?: string;
}
/** What `op list` and `op show` tell of an operation. All plain data. */
export interface OperationView {
  readonly id: string;
  readonly kind: string;
  readonly subject: string;
  readonly state: 'running' | 'interrupted' | 'done' | 'failed' | 'aborted';
  /** False: its process is gone, or does not answer. */
  readonly alive: boolean;
  readonly owner: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly endedAt?: string;
  readonly steps: readonly {
    readonly id: string;
    readonly title: string;
    readonly state: string;
    readonly error?: string;
    readonly startedAt?: string;
    readonly endedAt?: string;
  }[];
  readonly error?: { readonly code: ErrorCode; readonly message: string; readonly hint?: string };
}
/** One thing that gc collected, or would. */
export interface GcItem {
  readonly id: string;
  readonly type:
    | 'environment'
    | 'operation'
    | 'artefact'
    | 'mirror'
    | 'orphan'
    | 'logs'
    | 'cache'
    | 'volume'
    | 'snapshot'
    | 'foundation';
  readonly why: string;
  readonly done: boolean;
  readonly error?: string;
}
/** One document that a rebuild of the state wrote, or would. */
export interface RebuiltItem {
  readonly type: 'environment' | 'slot' | 'volume' | 'snapshot';
  readonly id: string;
  /** `planned`: it would be written. `there`: it has a document, which stays. `left`: what it is can't be told, so it has none. */
  readonly state: 'written' | 'planned' | 'there' | 'left';
  /** As it is written down, such as `ready` or `generation 4: 1a2b3c4d5e6f`. For people. */
  readonly as: string;
  /** What nothing tells any more, and what to do about it. For people. */
  readonly unknown: readonly { readonly what: string; readonly hint?: string }[];
}
/** What `create` has come to. */
export interface CreateResult {
  readonly environment: EnvironmentView;
  readonly operation: string;
  /** It was there already, or another process made it. */
  readonly existed: boolean;
  readonly warnings: readonly string[];
}

/** A project, opened. Close it in the end. `id` is any unique prefix, or a commit, branch or tag. */
export interface Project {
  readonly name: string;
  readonly stage: string;
  /** Of the work tree, or `configFile`. */
  config(): Promise<{ readonly config: ProjectConfig; readonly file: string }>;
  /** Problems of the config under its provider; empty when it can be deployed. Warns of services that need a Docker Engine where none answers. */
  validate(): Promise<readonly { readonly path: string; readonly message: string; readonly capability?: string }[]>;
  create(request: CreateRequest): Promise<CreateResult>;
  plan(request: CreateRequest): Promise<Plan & { readonly id: string; readonly commit: string }>;
  environments(page?: {
    readonly limit?: number;
    readonly after?: string;
    readonly all?: boolean;
  }): AsyncIterable<EnvironmentView>;
  /** @param options - `live: false`: as the state knows it; its provider is not asked. */
  environment(id: string, options?: { readonly live?: boolean }): Promise<EnvironmentView>;
  health(id: string): Promise<Health>;
  /** Of one that is gone, what was kept. `previous`: of the life before, where the commit was deployed anew. */
  logs(id: string, query: LogQuery & { readonly previous?: boolean }): AsyncIterable<LogLine>;
  exec(id: string, request: ExecRequest): Promise<ExecSession>;
  destroy(
    id: string,
    options?: Cancellable & { readonly force?: string },
  ): Promise<{ readonly environment: EnvironmentView; readonly operation: string }>;
  gc(options: { readonly dryRun: boolean }): Promise<readonly GcItem[]>;
  operations(): AsyncIterable<OperationView>;
  operation(id: string): Promise<OperationView>;
  /** Goes on with an operation whose process is gone. @throws `conflict` while another process runs it. */
  resume(id: string, options?: Cancellable): Promise<OperationView>;
  abort(id: string): Promise<OperationView>;
  capabilities(): Promise<Capabilities>;
  slots(): Slots;
  storage(): Storages;
  foundations(): Foundations;
  /** All documents, one JSON object a line. Also from a store that is damaged, as far as it can be read. */
  exportState(): AsyncIterable<{ readonly key: string; readonly value: unknown }>;
  /**
   * Writes the documents again of all that the provider has of this project, after they were lost. A document that is there stays as it is, and
   * nothing in the cloud is changed. To call it again, or twice at once, does no harm.
   * @throws what the provider says when it can't be read: then nothing was written; `internal`: a document is there and can't be read.
   */
  rebuildState(options?: Cancellable & { readonly dryRun?: boolean }): Promise<readonly RebuiltItem[]>;
  /** What the engine tells from now on, until the project is closed or the loop is left. What is not read yet is kept. */
  events(): AsyncIterableIterator<EngineEvent>;
  close(): Promise<void>;
  /** `await using project = await openProject(…)` closes it. */
  [Symbol.asyncDispose](): Promise<void>;
}
