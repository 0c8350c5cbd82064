import {
  ProviderError,
  type Call,
  type Host,
  type Identity,
  type ResourceRef,
  type Route,
  type Slot,
  type SlotDriver,
  type SlotSpec,
} from '@clusternator/core/provider';
import type { SiteFoundation } from './ground/outputs.ts';
import { HOST, SLOT, slotKey, TAGS } from './keys.ts';
import { refuseHosts } from './plan.ts';
import { parseHost, parseSlot, parseTags, record, type SlotRecord } from './records.ts';
import type { SiteStore } from './site-store.ts';

const VERSION = 'version';
const RECORD = 'record';
const TRIES = 8;

interface Found {
  readonly identity: Identity;
  readonly slot: SlotRecord;
}

/**
 * Slots as records of the key value store: one says where the head and the standbys lead, and under which stamp; the hosts of the slot name it. So
 * a flip writes one value, and moves all of a slot. The write is on condition that the store is as it was read. Where a neighbour wrote in
 * between it is looked whether the slot's record is still the one that was read, which counts each of its writes: only then it is tried again.
 */
export class SiteSlots implements SlotDriver {
  constructor(
    private readonly store: SiteStore,
    private readonly host: Host,
    private readonly foundation: SiteFoundation,
  ) {}

  async ensure(spec: SlotSpec, call: Call): Promise<Slot> {
    const { id, hosts, standbyHosts, tags } = spec;
    refuseHosts([...hosts, ...standbyHosts], this.foundation.domain, `slots.${id}.hosts`);
    const key = slotKey(this.host, id);
    await this.store.change(async () => {
      const [before, tagged] = await Promise.all([this.record(key, call), this.store.get(TAGS + key, call)]);
      if (tagged !== undefined) this.identify(id, tagged);
      const wanted = { h: [...hosts], b: [...standbyHosts] };
      const isSame =
        before !== undefined && JSON.stringify([before.h, before.b]) === JSON.stringify([wanted.h, wanted.b]);
      const next: SlotRecord = {
        v: (before?.v ?? this.host.now().getTime()) + 1,
        ...stampOf(before),
        r: before?.r ?? [],
        ...wanted,
      };
      const change = new Map<string, string | undefined>();
      if (!isSame) change.set(SLOT + key, recordOf(id, next));
      const kept = tagged === undefined ? {} : parseTags(tagged);
      const all = { ...kept, ...tags };
      if (JSON.stringify(kept) !== JSON.stringify(all))
        change.set(TAGS + key, record(all, `the tags of slot ${id}`, `slots.${id}`));
      await this.lead(key, before, next, change, call);
      return change;
    }, call);
    return this.mustRead(id, call);
  }

  async read({ id }: ResourceRef, call: Call): Promise<Slot | undefined> {
    const key = slotKey(this.host, id);
    // Before what it is the version of: a write in between then is a conflict.
    const version = await this.store.version(call);
    const [slot, tagged] = await Promise.all([this.record(key, call), this.store.get(TAGS + key, call)]);
    if (!slot || tagged === undefined) return undefined;
    return show({ identity: this.identify(id, tagged), slot }, version);
  }

  async *list(call: Call): AsyncGenerator<Slot> {
    const version = await this.store.version(call);
    const all = await this.store.all(call);
    for (const [name, text] of all) {
      if (!name.startsWith(SLOT)) continue;
      const tagged = all.get(TAGS + name.slice(SLOT.length));
      const identity = tagged === undefined ? undefined : this.host.identify(parseTags(tagged));
      if (identity?.type === 'slot') yield show({ identity, slot: parseSlot(text) }, version);
    }
  }

  /** By a handle only the slot that was read: its record counts each write, from a time on, and so never is the same again. */
  async destroy({ id, handle }: ResourceRef, call: Call): Promise<void> {
    const key = slotKey(this.host, id);
    const seen = handle?.[RECORD];
    await this.store.change(async () => {
      const [slot, tagged] = await Promise.all([this.record(key, call), this.store.get(TAGS + key, call)]);
      if (tagged !== undefined) this.identify(id, tagged);
      if (slot && seen !== undefined && JSON.stringify(slot) !== seen) throw writtenSince(id);
      const change = new Map<string, undefined>();
      for (const host of [...(slot?.h ?? []), ...(slot?.b ?? [])]) {
        if (await this.isOwn(host, key, call)) change.set(HOST + host, undefined);
      }
      if (slot) change.set(SLOT + key, undefined);
      if (tagged !== undefined) change.set(TAGS + key, undefined);
      return change;
    }, call);
  }

  async route(slot: Slot, routes: readonly Route[], stamp: string, call: Call): Promise<Slot> {
    const { [VERSION]: seen = '', [RECORD]: text } = slot.handle;
    if (text === undefined) throw noSlot(slot.id);
    const key = slotKey(this.host, slot.id);
    const before = parseSlot(text);
    const r = routes.map(({ handle, percent }): [string, number] => [handle.key ?? '', percent]);
    const change = new Map([[SLOT + key, recordOf(slot.id, { ...before, v: before.v + 1, g: stamp, r })]]);
    const version = await this.writeRoutes(key, { change, seen, text }, call);
    const now = await this.record(key, call);
    if (!now) throw noSlot(slot.id);
    const { stamp: _, ...rest } = slot;
    return { ...rest, ...shown(now, version) };
  }

  /** @throws ProviderError `conflict`: the slot is not as it was read; `not-found`. In both nothing was written. */
  private async writeRoutes(
    key: string,
    {
      change,
      seen,
      text,
    }: { readonly change: ReadonlyMap<string, string>; readonly seen: string; readonly text: string },
    call: Call,
  ): Promise<string> {
    for (let tries = 1, version = seen; ; tries++) {
      try {
        return await this.store.write(change, version, call);
      } catch (error) {
        if (!ProviderError.is(error) || error.code !== 'conflict' || tries === TRIES) throw error;
        version = await this.store.version(call);
        const now = await this.store.get(SLOT + key, call);
        if (now === undefined) throw noSlot(key);
        if (JSON.stringify(parseSlot(now)) !== text) throw error;
      }
    }
  }

  /** Which of its hosts lead to the slot, and those of it that do so no more. @throws ProviderError `owned-by-other`. */
  private async lead(
    key: string,
    before: SlotRecord | undefined,
    { h, b }: SlotRecord,
    change: Map<string, string | undefined>,
    call: Call,
  ): Promise<void> {
    const wanted = new Map([...h.map((host) => [host, 0] as const), ...b.map((host, at) => [host, at + 1] as const)]);
    for (const [host, p] of wanted) {
      const text = await this.store.get(HOST + host, call);
      const next = JSON.stringify({ s: key, p });
      if (text !== undefined && text !== next && !(await this.isOwn(host, key, call))) throw taken(host);
      if (text !== next) change.set(HOST + host, next);
    }
    for (const host of [...(before?.h ?? []), ...(before?.b ?? [])]) {
      if (!wanted.has(host) && (await this.isOwn(host, key, call))) change.set(HOST + host, undefined);
    }
  }

  private async isOwn(host: string, key: string, call: Call): Promise<boolean> {
    const text = await this.store.get(HOST + host, call);
    if (text === undefined) return false;
    const is = parseHost(text);
    return 's' in is && is.s === key;
  }

  private async record(key: string, call: Call): Promise<SlotRecord | undefined> {
    const text = await this.store.get(SLOT + key, call);
    return text === undefined ? undefined : parseSlot(text);
  }

  /** @throws ProviderError `owned-by-other`. */
  private identify(id: string, tagged: string): Identity {
    const identity = this.host.identify(parseTags(tagged));
    if (identity?.type === 'slot' && identity.id === id) return identity;
    throw new ProviderError('owned-by-other', `a slot is there that is not slot ${id} of this project and stage`, {
      hint: 'it is left as it is; choose another stage',
    });
  }

  private async mustRead(id: string, call: Call): Promise<Slot> {
    const slot = await this.read({ id }, call);
    if (slot) return slot;
    throw new ProviderError('unavailable', `slot ${id} was made, and the key value store tells nothing of it`);
  }
}

function stampOf(before: SlotRecord | undefined): Pick<SlotRecord, 'g'> {
  return before?.g === undefined ? {} : { g: before.g };
}

function recordOf(id: string, slot: SlotRecord): string {
  return record(slot, `the routes and hosts of slot ${id}`, `slots.${id}.standbys`);
}

function show({ identity, slot }: Found, version: string): Slot {
  const { id, fingerprint, tags } = identity;
  return { id, fingerprint, tags, phase: 'active', ...shown(slot, version) };
}

function shown(slot: SlotRecord, version: string): Pick<Slot, 'handle' | 'routes' | 'stamp'> {
  return {
    handle: { [VERSION]: version, [RECORD]: JSON.stringify(slot) },
    routes: slot.r.map(([key, percent]) => ({ handle: { key }, percent })),
    ...(slot.g !== undefined && { stamp: slot.g }),
  };
}

function noSlot(id: string): ProviderError {
  return new ProviderError('not-found', `there is no slot ${id}`, { effect: 'none' });
}

function writtenSince(id: string): ProviderError {
  return new ProviderError('conflict', `slot ${id} was written or made anew since it was read`, { effect: 'none' });
}

function taken(host: string): ProviderError {
  return new ProviderError('owned-by-other', `${host} leads somewhere else already`, {
    hint: 'it is left as it is; choose another name for the slot, or another stage',
  });
}
