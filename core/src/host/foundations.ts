import type { RecordSet } from '../dns/dns.ts';
import type { ErrorCode } from '../provider/error.ts';
import type { FoundationPart } from '../provider/foundation.ts';
import type { Cancellable } from './project.ts';

/** What `foundation show` tells. All plain data. */
export interface FoundationView {
  /** Of the provider and its place: `aws.eu-west-1`. */
  readonly id: string;
  readonly provider: string;
  /** `absent`: nothing was made. `gone`: it was made, and its provider has nothing of it any more. */
  readonly state: 'absent' | 'creating' | 'ready' | 'failed' | 'destroying' | 'gone';
  readonly domain?: string;
  /** What other drivers are given, as the provider's schema has it. */
  readonly outputs?: unknown;
  /** What is written, or about to be, in the DNS for it. */
  readonly records: readonly RecordSet[];
  /** That were made for it. Those above them have to lead to these name servers; `isServed`: they were seen to. */
  readonly zones?: readonly {
    readonly name: string;
    readonly nameServers: readonly string[];
    readonly isServed: boolean;
  }[];
  /** Keys of the work tree's config that say something else than it was made from. */
  readonly differs: readonly string[];
  /** What it waits for, or why it failed, in its provider's words. Only from `show`. */
  readonly message?: string;
  readonly createdAt?: string;
  readonly readyAt?: string;
  readonly operation?: string;
  readonly error?: { readonly code: ErrorCode; readonly message: string; readonly hint?: string };
}
/** What a config asks for in one stage. No cloud is asked. */
export interface FoundationPlan {
  readonly id: string;
  readonly stage: string;
  readonly provider: string;
  /** As it applies, with the provider's defaults. */
  readonly config: unknown;
  readonly domain?: string;
  /** Where the provider tells what it consists of. */
  readonly parts?: readonly FoundationPart[];
  /** As they were given out, where it was made. */
  readonly outputs?: unknown;
}

/** What stands under the environments of a project, for each provider and place that it was ever deployed to. */
export interface Foundations {
  /** As the state knows them. */
  list(): Promise<readonly FoundationView[]>;
  /** As its provider sees it now. @param id - Left out: that of the work tree's config. @throws `unsupported` (7): it needs none. */
  show(id?: string): Promise<FoundationView>;
  /** Makes it as the work tree's config says, or changes the one that is there. Nothing is written where all is so.
   *  @throws `unsupported` (7), and what the provider and the DNS say. What was made until then stays, and is gone on with. */
  create(options?: Cancellable): Promise<{ readonly operation: string; readonly foundation: FoundationView }>;
  /** With the records that were written for it. @throws `conflict` (4): environments, slots or volumes stand on it; `not-found`. */
  destroy(
    options?: Cancellable & { readonly id?: string },
  ): Promise<{ readonly operation: string; readonly id: string }>;
  /** @throws `unsupported` (7). */
  plan(): Promise<FoundationPlan>;
}
