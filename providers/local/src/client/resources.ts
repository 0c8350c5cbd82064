import { ProviderError, type Call, type Host, type Resource, type ResourceRef } from '@clusternator/core/provider';
import { z } from 'zod';
import type { DaemonClient } from './daemon-client.ts';
import type { ProgressView } from '../control/storage-protocol.ts';

/** How long one call looks on while the daemon copies: core calls again. */
const WATCH_SECONDS = 20;

export interface ResourcesOptions<V> {
  readonly host: Host;
  readonly daemon: DaemonClient;
  readonly kind: 'volumes' | 'snapshots';
  readonly schema: z.ZodType<V>;
}
type View = Pick<Resource, 'id' | 'phase'> & {
  readonly progress?: ProgressView | undefined;
  readonly isCopied?: true | undefined;
};

/** Volumes or snapshots, at the daemon. */
export class Resources<V extends View> {
  readonly #options: ResourcesOptions<V>;

  constructor(options: ResourcesOptions<V>) {
    this.#options = options;
  }

  async ensure(id: string, body: unknown, call: Call): Promise<V> {
    const { daemon, schema } = this.#options;
    const view = await daemon.call(schema, { method: 'PUT', path: this.path(id), body, signal: call.signal });
    return this.settled(view, call);
  }

  /** Once it is there, or copied and held, or some time is over. @throws what making it threw. */
  async settled(begun: V, call: Call): Promise<V> {
    const { id } = begun;
    let view = begun;
    const until = Date.now() + WATCH_SECONDS * 1000;
    while (view.phase === 'creating' && !view.isCopied && Date.now() < until) {
      if (view.progress) call.progress({ ...view.progress, unit: 'bytes' });
      const next = await this.find({ id }, call, 0.5);
      if (!next) {
        throw new ProviderError(
          'unavailable',
          `the daemon ended while it made ${id} of ${this.#options.kind}, which is gone`,
          {
            retry: 'safe',
            effect: 'none',
          },
        );
      }
      view = next;
    }
    return view;
  }

  async find({ id }: ResourceRef, call: Call, waitSeconds = 0, more = ''): Promise<V | undefined> {
    const { daemon, schema } = this.#options;
    const path = `${this.path(id)}?waitSeconds=${String(waitSeconds)}${more}`;
    try {
      return await daemon.call(schema, { method: 'GET', path, signal: call.signal });
    } catch (error) {
      if (ProviderError.is(error) && error.code === 'not-found') return undefined;
      throw error;
    }
  }

  list(call: Call): Promise<readonly V[]> {
    const { daemon, schema } = this.#options;
    return daemon.call(z.array(schema), { method: 'GET', path: this.path(), signal: call.signal });
  }

  async destroy({ id }: ResourceRef, call: Call): Promise<void> {
    const request = { method: 'DELETE', path: this.path(id), signal: call.signal } as const;
    await this.#options.daemon.call(z.unknown(), request);
  }

  path(id?: string): string {
    const { host, kind } = this.#options;
    const { project, stage } = host;
    const all = `/v1/projects/${encodeURIComponent(project)}/stages/${encodeURIComponent(stage)}/${kind}`;
    return id === undefined ? all : `${all}/${encodeURIComponent(id)}`;
  }
}

export async function* mapped<V, R>(all: Promise<readonly V[]>, map: (view: V) => R): AsyncGenerator<R> {
  for (const view of await all) yield map(view);
}
