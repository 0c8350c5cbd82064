import type { Call } from './host.ts';

/** Keys are [a-z][a-z0-9_]{0,62} and values [a-z0-9_-]{0,63}, which every cloud takes as they are.
 *  @see https://cloud.google.com/compute/docs/labeling-resources (lower case, 63 characters)
 *  @see https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-shares--directories--files--and-metadata (no hyphen in keys) */
export type Tags = Readonly<Record<string, string>>;
/** What the drivers of one provider need to know of a resource without asking the cloud: ids, an etag. No secrets; at most 4 KiB. */
export type Handle = Readonly<Record<string, string>>;
/** A `native:` block of the config. The cloud validates it. */
export type NativeSettings = Readonly<Record<string, unknown>>;
/** `creating` and `destroying` are on their way, the others have arrived. `stopped`: kept, but on no instance. */
export type Phase = 'creating' | 'active' | 'stopped' | 'failed' | 'destroying';
/** What is asked for. */
export interface ResourceSpec {
  readonly id: string;
  /** Of the whole spec, with the resources in it by their id: what was made from an equal spec has the same. */
  readonly fingerprint: string;
  /** To put on all that is made, as it is made: whose it is, its id and fingerprint, and what core needs to rebuild its state. */
  readonly tags: Tags;
  readonly native?: NativeSettings;
}
/** What is there. */
export interface Resource {
  readonly id: string;
  /** This and the tags are as `Host.identify` reads them. Left out where the cloud keeps no tags: core then goes by its documents. */
  readonly fingerprint?: string;
  readonly tags?: Tags;
  readonly phase: Phase;
  readonly handle: Handle;
  /** Why it failed, or what it waits for, in the cloud's words. */
  readonly message?: string;
}
/** Core's own tags, read back. */
export interface Identity {
  readonly type: 'environment' | 'slot' | 'volume' | 'snapshot' | 'foundation';
  readonly id: string;
  readonly fingerprint: string;
  readonly tags: Tags;
}
/** A spec or a resource, as far as core knows it. Without a handle it was never returned, and is found by name or tags. */
export interface ResourceRef {
  readonly id: string;
  readonly handle?: Handle;
}
/** The four verbs, under the rules at the top of this file. */
export interface ResourceDriver<S extends ResourceSpec, R extends Resource> {
  /** Makes what is asked for, or goes on making it. It need not wait: while the phase is `creating`, core calls again with the same
   *  token. One that was made from another spec is returned untouched, unless its kind can change.
   *  @throws `owned-by-other`, `invalid`, `unsupported`, `quota`. */
  ensure(spec: S, call: Call): Promise<R>;
  /** Undefined: the cloud says that there is none. What an interrupted `ensure` left is `creating`, not absent. */
  read(ref: ResourceRef, call: Call): Promise<R | undefined>;
  /** All of this project and stage, each once, in any order. */
  list(call: Call): AsyncIterable<R>;
  /** Removes it, or goes on removing it; core calls again until `read` finds nothing. To remove what is gone succeeds.
   *  Gone means that nothing of it runs, answers, holds data or costs; a bare name that the cloud keeps does not count.
   *  @throws `owned-by-other`, `conflict` (in use: it has traffic, or snapshots that would go with it). */
  destroy(ref: ResourceRef, call: Call): Promise<void>;
  /** What `ensure` would do. Writes nothing. */
  plan?(spec: S, call: Call): Promise<Plan>;
}
/** `monthlyCost` is in `currency`. `interruptsSeconds`: how long what serves now would not. */
export interface Plan {
  readonly changes: readonly { readonly action: 'create' | 'change' | 'destroy'; readonly what: string }[];
  readonly monthlyCost?: number;
  readonly currency?: string;
  readonly interruptsSeconds?: number;
}
