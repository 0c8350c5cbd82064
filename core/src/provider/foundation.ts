import type { z } from 'zod';
import type { RecordSet } from '../dns/dns.ts';
import type { Resource, ResourceDriver, ResourceSpec } from './resource.ts';

/** Under `domain` environments and slots are named. */
export interface FoundationSpec extends ResourceSpec {
  readonly domain?: string;
}
/** `outputs` once it is active; `records` as with a slot, also while it is `creating`: those that validate a certificate. */
export interface Foundation<F> extends Resource {
  readonly outputs?: F;
  readonly records?: readonly RecordSet[];
}
/** One thing that a foundation consists of, as its config asks for it, such as `{ what: 'NAT gateways', settings: { count: 2 } }`. The same
 *  for each project and stage: without their names, and without ids. */
export interface FoundationPart {
  readonly what: string;
  readonly settings: Readonly<Record<string, string | number | boolean>>;
}
/** Makes what a project and stage needs once: network, cluster, load balancer, wildcard certificate. It changes in place.
 *  It is also made for what follows without a call, `outputs` and `parts`: clients are loaded at the first of the verbs. */
export interface FoundationDriver<F> extends ResourceDriver<FoundationSpec, Foundation<F>> {
  /** What the other drivers get. Kept in the state, and read from there by it again: what it gives, it takes. No secrets. */
  readonly outputs: z.ZodType<F>;
  /** What `spec` asks for, each `what` once, so that two stages can be compared. Pure: it asks the cloud nothing. */
  parts?(spec: FoundationSpec): readonly FoundationPart[];
}
