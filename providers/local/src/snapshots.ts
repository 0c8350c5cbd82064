import {
  type Call,
  type Host,
  type ResourceRef,
  type Snapshot,
  type SnapshotDriver,
  type SnapshotEnd,
  type SnapshotSpec,
  type Volume,
} from '@clusternator/core/provider';
import type { z } from 'zod';
import type { DaemonClient } from './client/daemon-client.ts';
import { readDump, writeDump } from './client/dump-file.ts';
import { mapped, Resources } from './client/resources.ts';
import {
  bytesSchema,
  dumpSourceSchema,
  dumpTargetSchema,
  snapshotViewSchema,
  type SnapshotView,
} from './control/storage-protocol.ts';

/** Snapshots of this machine's volumes. */
export class LocalSnapshots implements SnapshotDriver {
  readonly #daemon: DaemonClient;
  readonly #all: Resources<SnapshotView>;

  constructor(host: Host, daemon: DaemonClient) {
    this.#daemon = daemon;
    this.#all = new Resources({ host, daemon, kind: 'snapshots', schema: snapshotViewSchema });
  }

  async ensure(spec: SnapshotSpec, call: Call): Promise<Snapshot> {
    const body = { ...bodyOf(spec), ...(spec.hold && { hold: true }) };
    return snapshotOf(await this.#all.ensure(spec.id, body, call));
  }

  async read(ref: ResourceRef, call: Call): Promise<Snapshot | undefined> {
    const view = await this.#all.find(ref, call);
    return view && snapshotOf(view);
  }

  list(call: Call): AsyncIterable<Snapshot> {
    return mapped(this.#all.list(call), snapshotOf);
  }

  destroy(ref: ResourceRef, call: Call): Promise<void> {
    return this.#all.destroy(ref, call);
  }

  complete({ id }: Snapshot, end: SnapshotEnd, call: Call): Promise<Snapshot> {
    return this.#complete(id, end, call);
  }

  /** Straight into the daemon's folder: who may speak with it may write there. */
  async write(spec: SnapshotSpec, content: AsyncIterable<Uint8Array>, call: Call): Promise<Snapshot> {
    const there = await this.read(spec, call);
    if (there?.phase === 'active') return there;
    const { file } = await this.#post(dumpTargetSchema, spec.id, 'dump', bodyOf(spec), call);
    try {
      await writeDump(file, content, call);
      return await this.#complete(spec.id, { again: [], files: {} }, call);
    } catch (error) {
      await this.destroy(spec, { ...call, signal: AbortSignal.timeout(10_000) }).catch(() => undefined);
      throw error;
    }
  }

  async *open({ id }: Snapshot, call: Call): AsyncGenerator<Uint8Array> {
    const request = { method: 'GET', path: `${this.#all.path(id)}/dump`, signal: call.signal } as const;
    const { file, sha256 } = await this.#daemon.call(dumpSourceSchema, request);
    yield* readDump(file, sha256, id, call);
  }

  check({ id, bytes = 0 }: Snapshot, call: Call): Promise<{ readonly bytes: number }> {
    call.progress({ message: `checking what snapshot ${id} holds`, done: 0, total: bytes, unit: 'bytes' });
    return this.#post(bytesSchema, id, 'check', {}, call);
  }

  changes({ id }: Snapshot, volume: Volume, call: Call): Promise<{ readonly bytes: number }> {
    return this.#post(bytesSchema, id, 'changes', { volume: volume.id }, call);
  }

  async #complete(id: string, { again, files }: SnapshotEnd, call: Call): Promise<Snapshot> {
    const { isCopied: _, ...view } = await this.#post(snapshotViewSchema, id, 'complete', { again, files }, call);
    return snapshotOf(await this.#all.settled(view, call));
  }

  #post<T>(schema: z.ZodType<T>, id: string, verb: string, body: unknown, { signal }: Call): Promise<T> {
    return this.#daemon.call(schema, { method: 'POST', path: `${this.#all.path(id)}/${verb}`, body, signal });
  }
}

function bodyOf({ fingerprint, tags, volume }: SnapshotSpec): { fingerprint: string; tags: unknown; volume: string } {
  return { fingerprint, tags, volume: volume.id };
}

function snapshotOf({ message, progress: _, bytes, takenAt, isCopied, ...view }: SnapshotView): Snapshot {
  return {
    ...view,
    takenAt: new Date(takenAt),
    ...(bytes !== undefined && { bytes }),
    ...(isCopied && { isCopied }),
    ...(message !== undefined && { message }),
  };
}
