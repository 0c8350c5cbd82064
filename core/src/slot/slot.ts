import type { RecordSet } from '../dns/dns.ts';
import type { Call } from '../provider/host.ts';
import type { Handle, Resource, ResourceDriver, ResourceRef, ResourceSpec } from '../provider/resource.ts';

/** A slot changes in place when its spec does; its routes stay. `id` is its name. */
export interface SlotSpec extends ResourceSpec {
  /** Of its head, and one for each standby to keep, newest first. */
  readonly hosts: readonly string[];
  readonly standbyHosts: readonly string[];
  /** Path prefixes of public parts by name, of all environments that it routes to or is about to. What an environment lacks is a 404. */
  readonly parts: Readonly<Record<string, string>>;
  readonly tls: boolean;
  readonly drain: { readonly requestsSeconds: number; readonly webSocketsSeconds: number };
}
/** Percentages add up to 100. Routes with 0 are the standbys, newest first: kept attached, under the standby hosts. */
export interface Route {
  /** The environment's; in what is read, as much of it as the cloud shows. Core finds the environment by it. */
  readonly handle: Handle;
  readonly percent: number;
  /** Only in what is read, where a flip of several parts was cut short: the part that it holds for. */
  readonly part?: string;
}
/** A named public address. */
export interface Slot extends Resource {
  /** Left out: https at the first of the spec's hosts. */
  readonly url?: string;
  /** As the cloud serves them now. None before the first promotion: it answers 503. */
  readonly routes: readonly Route[];
  /** Under which the routes were written, read back; left out where the cloud has no place for it. */
  readonly stamp?: string;
  /** From `ensure`: what DNS must say for it, also for its certificates. Core writes it, wherever the project's DNS is. */
  readonly records?: readonly RecordSet[];
}
/** Routes slots. */
export interface SlotDriver extends ResourceDriver<SlotSpec, Slot> {
  /** Removes it with its routes, wherever they lead; the environments stay. With a handle it is that one which was read: where the cloud
   *  can tell, what was routed or made again since stays. Without a handle: whatever is there.
   *  @throws `owned-by-other`, `conflict` (it was changed since; nothing was removed). */
  destroy(ref: ResourceRef, call: Call): Promise<void>;
  /** Writes the routes and returns once new requests follow them; requests in flight end where they began. Where the cloud takes a
   *  condition, the write is on condition that nothing changed since `slot` was read: `slot.handle` may hold a version.
   *  Core reads before and, after a conflict, reads again to tell a lost race from a neighbour's change or its own earlier try.
   *  @param stamp - The owner's epoch, of [0-9a-z], kept with the routes where the cloud can. Equal routes under another stamp are
   *  written again: that changes the version, and so fences an owner that sleeps.
   *  @returns What the cloud reports, not what was asked for.
   *  @throws `conflict` (nothing was written), `not-found`. */
  route(slot: Slot, routes: readonly Route[], stamp: string, call: Call): Promise<Slot>;
}
