import {
  ProviderError,
  type Call,
  type Host,
  type ResourceDriver,
  type ResourceRef,
  type StorageDriver,
  type Volume,
  type VolumeSpec,
} from '@clusternator/core';
import { z } from 'zod';
import type { DaemonClient } from './client/daemon-client.ts';
import { volumeViewSchema, type VolumeView } from './control/protocol.ts';

/** Volumes of this machine. */
export class LocalStorage implements StorageDriver {
  readonly volumes: ResourceDriver<VolumeSpec, Volume>;

  constructor(host: Host, daemon: DaemonClient) {
    this.volumes = new LocalVolumes(host, daemon);
  }
}

class LocalVolumes implements ResourceDriver<VolumeSpec, Volume> {
  readonly #host: Host;
  readonly #daemon: DaemonClient;

  constructor(host: Host, daemon: DaemonClient) {
    this.#host = host;
    this.#daemon = daemon;
  }

  async ensure(spec: VolumeSpec, call: Call): Promise<Volume> {
    const { fingerprint, tags, kind, sizeGiB } = spec;
    if (kind === 'database' || spec.from) {
      throw new ProviderError(
        'unsupported',
        `this machine makes no ${spec.from ? 'volumes from others' : 'managed databases'}`,
      );
    }
    const there = await this.#find(spec.id, call);
    if (there && there.sizeGiB >= sizeGiB) return volumeOf(there);
    const body = { fingerprint, tags, kind, sizeGiB };
    const path = this.#path(spec.id);
    return volumeOf(await this.#daemon.call(volumeViewSchema, { method: 'PUT', path, body, signal: call.signal }));
  }

  async read({ id }: ResourceRef, call: Call): Promise<Volume | undefined> {
    const view = await this.#find(id, call);
    return view && volumeOf(view);
  }

  async *list(call: Call): AsyncGenerator<Volume> {
    const request = { method: 'GET', path: this.#path(), signal: call.signal } as const;
    yield* (await this.#daemon.call(z.array(volumeViewSchema), request)).map(volumeOf);
  }

  async destroy({ id }: ResourceRef, call: Call): Promise<void> {
    await this.#daemon.call(z.unknown(), { method: 'DELETE', path: this.#path(id), signal: call.signal });
  }

  async #find(id: string, call: Call): Promise<VolumeView | undefined> {
    try {
      return await this.#daemon.call(volumeViewSchema, { method: 'GET', path: this.#path(id), signal: call.signal });
    } catch (error) {
      if (ProviderError.is(error) && error.code === 'not-found') return undefined;
      throw error;
    }
  }

  #path(id?: string): string {
    const { project, stage } = this.#host;
    const all = `/v1/projects/${encodeURIComponent(project)}/stages/${encodeURIComponent(stage)}/volumes`;
    return id === undefined ? all : `${all}/${encodeURIComponent(id)}`;
  }
}

function volumeOf({ message, ...view }: VolumeView): Volume {
  return { ...view, ...(message !== undefined && { message }) };
}
