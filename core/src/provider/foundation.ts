import type { z } from 'zod';
import type { RecordSet } from '../dns/dns.ts';
import type { Resource, ResourceDriver, ResourceSpec } from './resource.ts';

/** Under `domain` environments and slots are named. */
export interface FoundationSpec extends ResourceSpec {
  readonly domain?: string;
}
/** `outputs` once it is active; `records` as with a slot. */
export interface Foundation<F> extends Resource {
  readonly outputs?: F;
  readonly records?: readonly RecordSet[];
}
/** Makes what a project and stage needs once: network, cluster, load balancer, wildcard certificate. It changes in place. */
export interface FoundationDriver<F> extends ResourceDriver<FoundationSpec, Foundation<F>> {
  /** What the other drivers get. Kept in the state; no secrets. */
  readonly outputs: z.ZodType<F>;
}
