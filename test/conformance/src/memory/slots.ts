import { NativeKey, ProviderError, type Call, type Host } from '@clusternator/core/provider';
import type { Route, Slot, SlotDriver, SlotSpec } from '@clusternator/core/provider';
import { z } from 'zod';
import type { CloudClient } from './client.ts';
import { Things, thingSchema } from './things.ts';

const slotSchema = thingSchema.extend({
  spec: z.looseObject({
    hosts: z.array(z.string()),
    routes: z.array(z.object({ name: z.string(), percent: z.number() })).default([]),
    stamp: z.string().optional(),
  }),
  isLive: z.boolean(),
});
type SlotThing = z.output<typeof slotSchema>;

/** The cloud's own side of a slot. */
export const memorySlot = new NativeKey<SlotThing>();

/** Slots of the memory cloud: an entry of its edge each, with a version that every write is on condition of. */
export class MemorySlots extends Things<SlotSpec, SlotThing, Slot> implements SlotDriver {
  constructor(
    host: Host,
    cloud: CloudClient,
    private readonly edgePort: number,
  ) {
    super(host, cloud, 'slots', slotSchema);
  }

  async ensure(spec: SlotSpec, call: Call): Promise<Slot> {
    const { hosts, standbyHosts, parts } = spec;
    const found = await this.find(spec, call);
    if (found && this.identify(found).fingerprint === spec.fingerprint) return this.show(found);
    // What somebody else added stays, and so do the routes.
    return this.show(await this.put(spec, { ...found?.spec, hosts, standbyHosts, parts }, found, call));
  }

  async route(slot: Slot, routes: readonly Route[], stamp: string, call: Call): Promise<Slot> {
    const body = { routes: routes.map(({ handle, percent }) => ({ name: handle.name ?? '', percent })), stamp };
    const path = `${this.pathOf(slot)}/routes`;
    const ifMatch = slot.handle.version ?? '0';
    let seen = await this.cloud.ask({ method: 'PUT', path, body, ifMatch, schema: slotSchema }, call);
    // The edge follows a moment later: only then do new requests.
    while (!seen.isLive) {
      await this.host.sleep(0.01, call);
      const again = await this.find(slot, call);
      if (!again) throw new ProviderError('not-found', `slot ${slot.id} is gone`);
      seen = again;
    }
    return this.show(seen);
  }

  protected show(thing: SlotThing): Slot {
    const { hosts, routes, stamp } = thing.spec;
    const slot: Slot = {
      ...this.common(thing),
      phase: 'active',
      handle: { name: thing.name, version: String(thing.version) },
      url: `http://${hosts[0] ?? ''}:${String(this.edgePort)}`,
      routes: routes.map(({ name, percent }) => ({ handle: { name }, percent })),
      ...(stamp !== undefined && { stamp }),
    };
    return memorySlot.attach(slot, thing);
  }
}
