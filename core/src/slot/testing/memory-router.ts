import { ProviderError } from '../../provider/error.ts';
import type { ResourceRef } from '../../provider/resource.ts';
import type { Route, Slot, SlotDriver, SlotSpec } from '../slot.ts';
import type { Deal } from './deal.ts';

/** What protects a router's routes: see protocol.md. */
export type RouterKind = 'version' | 'value' | 'blind';

interface Routed {
  spec: SlotSpec;
  routes: readonly Route[];
  stamp: string;
  version: number;
}

/** A router in memory. All dealings of one process go through `deal`. */
export class MemoryRouter {
  readonly slots = new Map<string, Routed>();
  /** Every set of routes that was ever served, for what has to hold at each moment. */
  readonly served: { slot: string; environment: string | undefined; stamp: string }[] = [];
  /** How far its router is with a slot's names, and what DNS must say for them. */
  naming: () => Pick<Slot, 'phase' | 'records' | 'message'> = () => ({ phase: 'active' });
  onServe: (slot: string, ids: readonly string[]) => void = () => {};
  onEnd: (slot: string) => void = () => {};
  private versions = 0;

  constructor(readonly kind: RouterKind = 'version') {}

  router(deal: Deal): SlotDriver {
    const shown = (id: string): Slot | undefined => {
      const one = this.slots.get(id);
      return (
        one && {
          id,
          fingerprint: one.spec.fingerprint,
          tags: one.spec.tags,
          ...this.naming(),
          handle: { version: this.versionOf(one) },
          url: `http://${one.spec.hosts[0] ?? id}`,
          routes: one.routes,
          ...(this.kind !== 'blind' && { stamp: one.stamp }),
        }
      );
    };
    const must = (id: string): Slot => {
      const found = shown(id);
      if (!found) throw new ProviderError('not-found', `there is no slot ${id}`);
      return found;
    };
    return {
      ensure: (spec) =>
        deal('ensure slot', () => {
          const known = this.slots.get(spec.id);
          if (known?.spec.fingerprint !== spec.fingerprint)
            this.slots.set(spec.id, {
              spec,
              routes: known?.routes ?? [],
              stamp: known?.stamp ?? '',
              version: ++this.versions,
            });
          return must(spec.id);
        }),
      read: ({ id }: ResourceRef) => deal('read slot', () => shown(id)),
      list: async function* (this: MemoryRouter) {
        const all = await deal('list slots', () => [...this.slots.keys()]);
        for (const id of all) yield must(id);
      }.bind(this),
      destroy: ({ id, handle }: ResourceRef) =>
        deal('destroy slot', () => {
          const now = this.slots.get(id);
          if (!now) return;
          if (this.kind !== 'blind' && handle && handle.version !== this.versionOf(now))
            throw new ProviderError('conflict', `slot ${id} was changed meanwhile`);
          this.onEnd(id);
          this.slots.delete(id);
        }),
      route: (slot, routes, stamp) =>
        deal('route', () => {
          const now = this.slots.get(slot.id);
          if (!now) throw new ProviderError('not-found', `there is no slot ${slot.id}`);
          if (this.kind !== 'blind' && slot.handle.version !== this.versionOf(now))
            throw new ProviderError('conflict', `slot ${slot.id} was changed meanwhile`);
          this.write(slot.id, routes, stamp);
          return must(slot.id);
        }),
    };
  }

  /** Also by hand. */
  write(id: string, routes: readonly Route[], stamp: string): void {
    const now = this.slots.get(id);
    if (!now) return;
    const serving = routes.filter(({ percent }) => percent > 0).map(({ handle }) => handle.id ?? '');
    this.onServe(id, serving);
    for (const environment of serving.length > 0 ? serving : [undefined])
      this.served.push({ slot: id, environment, stamp });
    this.slots.set(id, { ...now, routes, stamp, version: ++this.versions });
  }

  /** Resource ids that a slot gives traffic to. */
  live(id: string): readonly string[] {
    return (this.slots.get(id)?.routes ?? []).filter(({ percent }) => percent > 0).map(({ handle }) => handle.id ?? '');
  }

  private versionOf({ version, routes, stamp, spec }: Routed): string {
    if (this.kind === 'version') return String(version);
    return JSON.stringify([spec.fingerprint, stamp, routes.map(({ handle, percent }) => [handle.id, percent])]);
  }
}
