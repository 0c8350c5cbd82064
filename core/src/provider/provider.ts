/**
 * The provider contract: all that a plugin author imports, and all that a provider implements.
 *
 * A provider makes five kinds of resources: environments, slots, volumes, snapshots, and a foundation under them. The same four
 * verbs drive them all: see `ResourceDriver`. These rules hold for every method of every driver; the conformance kit checks them:
 *
 * 1. Called again with the same arguments and token, after any interruption, it finishes the same work and does nothing twice.
 * 2. Absent is only what the cloud says is absent. A refusal, an unreadable answer and a time-out are errors.
 * 3. What is not ours by `Host.identify` (where the cloud keeps no tags, by its name) is `owned-by-other`: never changed, never deleted.
 *    Of what is ours, settings and tags that somebody else added survive.
 * 4. What is already as asked is not written again, and nothing restarts.
 * 5. Errors are ProviderErrors. Whatever else is thrown goes through `Provider.errorOf`, so that drivers need not catch it. Any method
 *    may fail with `unauthenticated`, `denied`, `throttled`, `unavailable`, `timeout`, `cancelled`, `internal`; `@throws` has the others.
 * 6. A secret's value is in no name, tag, handle, message, error or log line.
 *
 * Core does the rest, once: retries, rate limits, names, tags, journal, deadlines, validation, polling, comparing before a write, and
 * refusing what a capability denies. Durations and sizes carry their unit in their name. Host names are lower-case ASCII, without a
 * last dot. All but drivers is plain data.
 */
import type { z } from 'zod';
import type { ImageDriver } from '../artefact/images.ts';
import type { DnsProvider } from '../dns/dns.ts';
import type { EnvironmentDriver, EnvironmentSpec } from '../environment/environment.ts';
import type { SlotDriver, SlotSpec } from '../slot/slot.ts';
import type { StateStore } from '../state/store.ts';
import type { StorageDriver, VolumeSpec } from '../storage/storage.ts';
import type { Capabilities, CapabilityName } from './capabilities.ts';
import type { ProviderError } from './error.ts';
import type { FoundationDriver } from './foundation.ts';
import type { Host } from './host.ts';

/** The default export of a provider package, made by `defineProvider`. Importing it loads no cloud SDK. */
export interface Provider<C extends z.ZodType = z.ZodType, F = unknown> {
  /** As in `provider: <id>` and in the package's manifest. */
  readonly id: string;
  /** Under which this provider names everything, where it can't use the config's `domain`: `localhost` for this machine. */
  readonly domain?: string;
  /** The keys beside `provider.name`. `provider show` prints their `.describe()` texts. */
  readonly config: C;
  /** A valid config for each way to run this provider. Each is a column of the capability matrix. */
  readonly examples: Readonly<Record<string, z.input<C>>>;
  /** What a project can ask for under this config. Pure. */
  capabilities(config: z.output<C>): Capabilities;
  /** What capabilities can't say: clashing ports, sizes that the cloud does not sell. Pure; digests and handles may be placeholders. */
  check?(project: ProjectSpec, config: z.output<C>): readonly Problem[];
  /** Which of several places a config means, such as a region or an account, of [a-z0-9-]: each has a foundation of its own. Pure. Left out:
   *  all configs mean the same place, so that a foundation follows the config. */
  place?(config: z.output<C>): string | undefined;
  /** All permissions that the drivers use, and no others. */
  permissions(config: z.output<C>): readonly Permission[];
  /** Published request limits. `Host.pace` keeps them across the processes of a machine. */
  readonly rateLimits?: Readonly<Record<string, RateLimit>>;
  /** The cloud's own error as ours; undefined becomes `internal`. Never called with a ProviderError or an abort. */
  errorOf(cause: unknown): ProviderError | undefined;
  /** Each is called at its first use, so that it can import its SDK then, and be replaced alone. */
  readonly drivers: DriverFactories<z.output<C>, F>;
}
/** All are optional. Environments, slots, storage and images of a project come from one provider; DNS and state from any. */
export interface DriverFactories<C, F> {
  environments?(to: Connection<C, F>): Promise<EnvironmentDriver>;
  /** Without it, or where `slots.router` is a no, core moves slots by DNS. */
  slots?(to: Connection<C, F>): Promise<SlotDriver>;
  storage?(to: Connection<C, F>): Promise<StorageDriver>;
  /** Without it images go to the config's `registry`, or stay on the Docker Engine that built them. */
  images?(to: Connection<C, F>): Promise<ImageDriver>;
  /** This and the next two are made before there is a foundation. */
  dns?(to: Connection<C, undefined>): Promise<DnsProvider>;
  /** Without it state stays on this machine. */
  state?(to: Connection<C, undefined>): Promise<StateStore>;
  foundation?(to: Connection<C, undefined>): Promise<FoundationDriver<F>>;
}
/** What a driver is made from. `foundation` is `Foundation.outputs`. */
export interface Connection<C, F> {
  readonly config: C;
  readonly host: Host;
  readonly foundation: F;
}
/** A project as its config describes it. */
export interface ProjectSpec {
  readonly environment: EnvironmentSpec;
  readonly slots: readonly SlotSpec[];
  readonly volumes: readonly VolumeSpec[];
}
/** Why a project can't be deployed. `path` is the config's. */
export interface Problem {
  readonly path: string;
  readonly message: string;
  readonly capability?: CapabilityName;
}
/** `source` is the page that publishes the limit. */
export interface RateLimit {
  readonly perSecond: number;
  readonly burst: number;
  readonly source: string;
}
/** `action`, `resource` and `condition` are in the cloud's words, `verbs` are the commands that need it, such as `env create`. */
export interface Permission {
  readonly action: string;
  readonly resource: string;
  /** Where that is enough, as the cloud's policies write it. Left out: always. */
  readonly condition?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly verbs: readonly string[];
}
/** Marks a provider, so that the host knows it whichever copy of core made it. */
export const PROVIDER: unique symbol = Symbol.for('clusternator.provider');
/** Infers a provider's types and marks it. */
export function defineProvider<C extends z.ZodType, F = undefined>(provider: Provider<C, F>): Provider<C, F> {
  return Object.assign(provider, { [PROVIDER]: 1 });
}
