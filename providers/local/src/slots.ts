import {
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
import type { DaemonClient } from './client/daemon-client.ts';
import type { RoutingBody, SlotBody } from './control/slot-protocol.ts';
import { slotViewSchema, type SlotView } from './control/views.ts';

/** Slots of this machine: entries of the daemon's proxy. A flip is one write to its database and one swap in memory. */
export class LocalSlots implements SlotDriver {
  readonly #host: Host;
  readonly #daemon: DaemonClient;

  constructor(host: Host, daemon: DaemonClient) {
    this.#host = host;
    this.#daemon = daemon;
  }

  async ensure(spec: SlotSpec, call: Call): Promise<Slot> {
    const { fingerprint, tags, hosts, standbyHosts, parts, drain } = spec;
    const there = await this.read(spec, call);
    if (there?.fingerprint === fingerprint) return there;
    const body: SlotBody = {
      fingerprint,
      tags,
      hosts: [...hosts],
      standbyHosts: [...standbyHosts],
      parts: { ...parts },
      drain,
    };
    const request = { method: 'PUT', path: this.#path(spec.id), body, signal: call.signal } as const;
    return slotOf(await this.#daemon.call(slotViewSchema, request));
  }

  async read({ id }: ResourceRef, call: Call): Promise<Slot | undefined> {
    try {
      const request = { method: 'GET', path: this.#path(id), signal: call.signal } as const;
      return slotOf(await this.#daemon.call(slotViewSchema, request));
    } catch (error) {
      if (ProviderError.is(error) && error.code === 'not-found') return undefined;
      throw error;
    }
  }

  async *list(call: Call): AsyncGenerator<Slot> {
    const request = { method: 'GET', path: this.#path(), signal: call.signal } as const;
    yield* (await this.#daemon.call(z.array(slotViewSchema), request)).map(slotOf);
  }

  async destroy({ id, handle }: ResourceRef, call: Call): Promise<void> {
    const condition = handle?.version === undefined ? '' : `?version=${encodeURIComponent(handle.version)}`;
    const path = this.#path(id) + condition;
    await this.#daemon.call(z.unknown(), { method: 'DELETE', path, signal: call.signal });
  }

  async route(slot: Slot, routes: readonly Route[], stamp: string, call: Call): Promise<Slot> {
    const body: RoutingBody = {
      version: slot.handle.version ?? '',
      token: call.token('route'),
      routes: routes.map(({ handle, percent }) => ({ environment: handle.environment ?? '', percent })),
      stamp,
    };
    const request = { method: 'PUT', path: `${this.#path(slot.id)}/routes`, body, signal: call.signal } as const;
    return slotOf(await this.#daemon.call(slotViewSchema, request));
  }

  #path(id?: string): string {
    const { project, stage } = this.#host;
    const all = `/v1/projects/${encodeURIComponent(project)}/stages/${encodeURIComponent(stage)}/slots`;
    return id === undefined ? all : `${all}/${encodeURIComponent(id)}`;
  }
}

function slotOf({ routes, stamp, ...view }: SlotView): Slot {
  return {
    ...view,
    phase: 'active',
    routes: routes.map(({ environment, percent }) => ({ handle: { environment }, percent })),
    ...(stamp !== undefined && { stamp }),
  };
}
