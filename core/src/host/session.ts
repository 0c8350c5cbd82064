import type { ImageBuild } from '../artefact/build-image.ts';
import type { PushTarget } from '../artefact/engine-images.ts';
import type { ArtefactStore } from '../artefact/store.ts';
import type { Clock } from '../engine/clock.ts';
import type { EngineEvent } from '../engine/events.ts';
import type { OperationDeps, OperationRun } from '../engine/operation.ts';
import type { ProjectConfig, SiteConfig } from '../config/schema.ts';
import type { FilesArtefact, ImageArtefact } from '../artefact/artefact.ts';
import type { BuildCache, CacheSettings } from '../cache/build-cache.ts';
import type { KeptLogs } from '../logs/kept-logs.ts';
import type { FoundationOutputs } from '../foundation/outputs.ts';
import type { Call } from '../provider/host.ts';
import type { Mirror } from '../source/mirror.ts';
import type { Repository } from '../source/repository.ts';
import type { Documents } from '../state/documents.ts';
import type { BoundProvider } from './drivers.ts';
import type { ProviderPolicy } from './provider-policy.ts';
import type { Settings } from './settings.ts';
import type { probe } from '../environment/probe.ts';

/** The Docker Engine, as far as artefacts need it. */
export interface ImageBuilder {
  build(build: ImageBuild): Promise<ImageArtefact>;
  /** An image that exists already, by what it is now: it is fetched where it is not here, and kept under `tag`. */
  pin(image: string, tag: string, signal: AbortSignal): Promise<ImageArtefact>;
  /** An image that exists already, by digest. It is not fetched. */
  resolve(image: string, signal: AbortSignal): Promise<ImageArtefact>;
  /** @returns It, by the digest that it has in the repository. */
  push(image: ImageArtefact, repository: PushTarget, tag: string, signal: AbortSignal): Promise<ImageArtefact>;
  untag(tag: string, signal: AbortSignal): Promise<void>;
}
export interface SiteBuild {
  readonly name: string;
  readonly tree: string;
  readonly site: SiteConfig;
  readonly owner: string;
  readonly cache: CacheSettings;
  readonly signal: AbortSignal;
  readonly onOutput: (text: string) => void;
}

/** What the engine's verbs work with: one opened project. */
export interface Session {
  readonly project: string;
  readonly stage: string;
  readonly providerName: string;
  readonly options: Settings;
  readonly clock: Clock;
  readonly documents: Documents;
  readonly operations: OperationDeps;
  readonly artefacts: ArtefactStore;
  /** Of environments that are gone. */
  readonly keptLogs: KeptLogs;
  /** Folders that builds leave to later ones. */
  readonly caches: BuildCache;
  /** What its drivers stand on. */
  readonly foundations: FoundationOutputs;
  readonly emit: (event: EngineEvent) => void;
  /** Runs work with a call of its own, which a person's abort does not end: what is written has to stay true. */
  briefly<T>(doing: string, work: (call: Call) => Promise<T>, deadlineSeconds?: number): Promise<T>;
  repository(directory: string): Promise<Repository>;
  mirror(folder: string): Promise<Mirror>;
  docker(): Promise<ImageBuilder>;
  buildSite(build: SiteBuild): Promise<FilesArtefact>;
  /** Values of secrets that came with the command. */
  giveSecrets(values: Readonly<Record<string, string>>): void;
  /** Finds the values of a config's secrets. @throws ProviderError `invalid`, naming what has no value. */
  useSecrets(config: ProjectConfig, repository: string): Promise<void>;
  /** The text without the values of secrets that were found. */
  redact(text: string): string;
  /** Goes on with an operation that this process has just taken over. */
  carryOn(run: OperationRun): Promise<void>;
  /** Core's own requests, where they are not to go over the network. */
  readonly probe?: typeof probe;
  /** For metrics. Left out: the global one. */
  readonly fetch?: typeof fetch;
  /** Loads code that is needed soon, while something else is waited for: never fails. */
  warmUp(): Promise<void>;
  /** The provider of the work tree's config. */
  provider(): Promise<{ readonly name: string; readonly config: unknown }>;
  /**
   * The provider under a config, made once each.
   * @param policy - Of the config that names it. The work tree's policy holds besides.
   * @throws ProviderError `refused` by a policy; `invalid`.
   */
  bind(provider: { readonly name: string; readonly config: unknown }, policy?: ProviderPolicy): Promise<BoundProvider>;
}
