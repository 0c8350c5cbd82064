import {
  NativeKey,
  ProviderError,
  type Call,
  type Host,
  type ResourceRef,
  type Route,
  type Slot,
  type SlotDriver,
  type SlotSpec,
} from '@clusternator/core/provider';
import { z } from 'zod';
import { assertOurs, isConflict, isMissing, itemSchema, type CloudClient } from './client.ts';

const slotSchema = itemSchema.extend({
  spec: z.looseObject({
    hosts: z.array(z.string()),
    routes: z.array(z.object({ name: z.string(), percent: z.number() })).default([]),
    stamp: z.string().optional(),
  }),
  isLive: z.boolean(),
});
type Item = z.output<typeof slotSchema>;

/** The cloud's own side of a slot. */
export const memorySlot = new NativeKey<Item>();

/** Slots of the memory cloud: an entry of its edge each, with a version that every write is on condition of. */
export class MemorySlots implements SlotDriver {
  constructor(
    private readonly host: Host,
    private readonly cloud: CloudClient,
    private readonly edgePort: number,
  ) {}

  async ensure(spec: SlotSpec, call: Call): Promise<Slot> {
    const name = this.#name(spec);
    const { hosts, standbyHosts, parts } = spec;
    const found = await this.cloud.find(`slots/${name}`, slotSchema, call);
    if (found && assertOurs(this.host, found).fingerprint === spec.fingerprint) return this.#slot(found);
    // What somebody else added stays, and so do the routes.
    const body = { tags: { ...found?.tags, ...spec.tags }, spec: { ...found?.spec, hosts, standbyHosts, parts } };
    const condition = found ? { ifMatch: String(found.version) } : { ifNew: true };
    try {
      const request = { method: 'PUT', path: `slots/${name}`, body, ...condition, schema: slotSchema } as const;
      return this.#slot(await this.cloud.ask(request, call));
    } catch (error) {
      const other = isConflict(error) ? await this.cloud.find(`slots/${name}`, slotSchema, call) : undefined;
      if (!other || assertOurs(this.host, other).fingerprint !== spec.fingerprint) throw error;
      return this.#slot(other); // another call of ours was first, or an answer was lost
    }
  }

  async read(ref: ResourceRef, call: Call): Promise<Slot | undefined> {
    const found = await this.cloud.find(`slots/${this.#name(ref)}`, slotSchema, call);
    return found && this.#slot(found);
  }

  async *list(call: Call): AsyncGenerator<Slot> {
    const filter = { tag: `clusternator_project=${this.host.project}` };
    for await (const item of this.cloud.list('slots', filter, slotSchema, call))
      if (this.host.identify(item.tags)) yield this.#slot(item);
  }

  async destroy(ref: ResourceRef, call: Call): Promise<void> {
    const path = `slots/${this.#name(ref)}`;
    const found = await this.cloud.find(path, slotSchema, call);
    if (!found) return;
    assertOurs(this.host, found);
    try {
      await this.cloud.ask({ method: 'DELETE', path, schema: z.unknown() }, call);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  async route(slot: Slot, routes: readonly Route[], stamp: string, call: Call): Promise<Slot> {
    const path = `slots/${this.#name(slot)}`;
    const body = { routes: routes.map(({ handle, percent }) => ({ name: handle.name ?? '', percent })), stamp };
    const request = {
      method: 'PUT',
      path: `${path}/routes`,
      body,
      ifMatch: slot.handle.version ?? '0',
      schema: slotSchema,
    } as const;
    let seen = await this.cloud.ask(request, call);
    // The edge follows a moment later: only then do new requests.
    while (!seen.isLive) {
      await this.host.sleep(0.01, call);
      const again = await this.cloud.find(path, slotSchema, call);
      if (!again) throw new ProviderError('not-found', `slot ${slot.id} is gone`);
      seen = again;
    }
    return this.#slot(seen);
  }

  #name({ id }: ResourceRef): string {
    return this.host.name(['slot', id], { maxLength: 40 });
  }

  #slot(item: Item): Slot {
    const { id, fingerprint, tags } = assertOurs(this.host, item);
    const { hosts, routes, stamp } = item.spec;
    const slot: Slot = {
      ...{ id, fingerprint, tags, phase: 'active', handle: { name: item.name, version: String(item.version) } },
      url: `http://${hosts[0] ?? ''}:${String(this.edgePort)}`,
      routes: routes.map(({ name, percent }) => ({ handle: { name }, percent })),
      ...(stamp !== undefined && { stamp }),
    };
    return memorySlot.attach(slot, item);
  }
}
