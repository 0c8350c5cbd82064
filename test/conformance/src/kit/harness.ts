import type { Identity, NativeKey, Provider } from '@clusternator/core';
import type { WireCall, WireTarget } from '../proxy/wire.ts';

/**
 * What a provider's author writes: how to get at a clean account, and what the kit may do there. All that is optional is a question of how
 * much can be proven: a case that needs what is left out is told as not run, never as passed.
 */
export interface Harness {
  /** `import.meta.url` of the module whose default export this is: the processes that get killed import it too. */
  readonly module: string;
  readonly provider: Provider;
  /** Opens a clean account or a stand-in for one. Called once for each run of the kit. */
  open(tools: HarnessTools): Promise<Account>;
  /** The cloud's own words for what the fault proxy answers in its place. */
  readonly refusals?: Refusals;
  /** How many things one page of the cloud's lists holds. Left out: the cloud does not page. */
  readonly pageSize?: number;
  /** The most mutating calls that each verb makes when nothing is there yet: `{ 'environments.ensure': 3 }`. */
  readonly floors?: Readonly<Partial<Record<Verb, number>>>;
  /** Which permission of `Provider.permissions` a call on the wire needs. Undefined: none. */
  permissionOf?(call: WireCall): string | undefined;
  /** The keys of the escape hatch, by the kind of resource that each is for. */
  readonly natives?: Readonly<Partial<Record<'environments' | 'slots' | 'volumes' | 'snapshots', NativeKey<unknown>>>>;
  /** What the environments of cases consist of, where those are not about one or the other: services that run, or files. Left out: services. */
  readonly parts?: 'services' | 'sites';
  /** Seconds for one thing to be made or removed. Left out: 60. */
  readonly settleSeconds?: number;
  /** Seconds that answers may still be as before a write that has returned, where a load balancer follows in its own time. Left out: none. */
  readonly followSeconds?: number;
  /** Cases that this cloud can't be put through, each with the reason, which the report prints. They are not passed. */
  readonly leaveOut?: Readonly<Record<string, string>>;
}

/** A verb of a driver, such as `environments.ensure` or `dns.change`. */
export type Verb = `${'environments' | 'slots' | 'volumes' | 'snapshots' | 'dns' | 'state' | 'foundation'}.${string}`;

/** What the kit gives to a harness as it opens. */
export interface HarnessTools {
  /** An empty folder that is removed after the run. */
  readonly folder: string;
  /** Puts the fault proxy before the cloud. @returns Where the drivers are to connect instead. */
  proxy(target: WireTarget, options?: ProxyOptions): Promise<WireTarget>;
}
/** How the fault proxy tells calls apart. */
export interface ProxyOptions {
  /** Left out: all but GET, HEAD and OPTIONS. gRPC and query protocols post their reads too. */
  isMutating?(call: WireCall): boolean;
}

/** An account that is open. What is plain data in it reaches the processes that get killed as JSON. */
export interface Account {
  /** The provider's config, as in the config file. */
  readonly config: unknown;
  /** `Host.env`. */
  readonly env: Readonly<Record<string, string>>;
  /** Under which host names are made. */
  readonly domain: string;
  /** Under which each foundation has a domain, and what stands on it its host names, where the records of a certificate need nobody.
   *  Left out: foundations have no domain. */
  readonly foundationDomain?: string;
  /** An image of the kit's app (see `writeApp`), where the provider runs images. By `name@sha256:…`. */
  readonly image?: string;
  /** The DNS zone to write in. What is in it is kept; the kit's names begin with `kit-`. */
  readonly zone?: string;
  /** Where a host name is answered, if not where DNS says: a proxy's address. `ca`: whose certificates are good there, as PEM. */
  dial?(url: URL): { readonly host: string; readonly port: number; readonly ca?: string };
  /** What an authoritative server says, sorted. TXT unquoted and joined; names without a last dot. */
  resolve?(name: string, type: string): Promise<readonly string[]>;
  /** All that is in the account and runs, answers, holds data or costs, by the cloud's own lists and not by a driver. */
  inventory?(): Promise<readonly Thing[]>;
  /** Somebody else with access to the account. */
  readonly stranger?: Stranger;
  end(): Promise<void>;
}
/** `kind` and `name` are the cloud's words. */
export interface Thing {
  readonly kind: string;
  readonly name: string;
  readonly tags?: Readonly<Record<string, string>>;
}
/** A thing that is a project's by its tags, where it has any. */
export interface Identified extends Thing {
  readonly identity: Identity | undefined;
}
/** Which of ours a stranger lays hands on. `owner` has the project and stage. */
export interface Target {
  readonly type: Identity['type'];
  readonly id: string;
  readonly owner: { readonly project: string; readonly stage: string };
}
/** What happens behind the provider's back. Each is done with the cloud's own interface. */
export interface Stranger {
  /** Makes a thing under the name that the driver would give to `target`, or to a part of it, without our tags. */
  plant?(target: Target): Promise<void>;
  /** Whether what was planted is as it was. */
  isAsPlanted?(target: Target): Promise<boolean>;
  /** Also what was planted. Of a foundation, a part will do. */
  remove?(target: Target): Promise<void>;
  /** Adds a tag or a setting that is not ours. */
  annotate?(target: Target): Promise<void>;
  isAnnotated?(target: Target): Promise<boolean>;
  /** Routes a slot to an environment. */
  reroute?(slot: Target, environment: Target): Promise<void>;
}

/** Why a cloud refuses. `dependency`: something that was just made is not visible yet. */
export type RefusalKind =
  'throttled' | 'broken' | 'denied' | 'unauthenticated' | 'expired' | 'quota' | 'dependency' | 'unreadable';
/** What the wire then carries. `grpcStatus` goes into trailers. */
export interface Refusal {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly grpcStatus?: number;
}
/** By their kind. A function, where the cloud's interfaces don't all say it in one way. */
export type Refusals = Readonly<Partial<Record<RefusalKind, Refusal | ((call: WireCall) => Refusal)>>>;
