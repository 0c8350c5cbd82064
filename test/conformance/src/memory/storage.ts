import {
  ProviderError,
  type Call,
  type Host,
  type ResourceDriver,
  type ResourceRef,
  type Snapshot,
  type SnapshotSpec,
  type StorageDriver,
  type Volume,
  type VolumeSpec,
} from '@clusternator/core/provider';
import { z } from 'zod';
import { assertOurs, isConflict, isMissing, itemSchema, type CloudClient } from './client.ts';

const volumeSchema = itemSchema.extend({
  spec: z.looseObject({ kind: z.enum(['files', 'disk', 'database']), sizeGiB: z.number() }),
});
const snapshotSchema = itemSchema.extend({
  spec: z.looseObject({ volume: z.string(), volumeId: z.string(), takenAt: z.coerce.date() }),
});

/** Volumes and snapshots of the memory cloud: folders, and copies of them. */
export class MemoryStorage implements StorageDriver {
  readonly volumes: ResourceDriver<VolumeSpec, Volume>;
  readonly snapshots: ResourceDriver<SnapshotSpec, Snapshot>;

  constructor(host: Host, cloud: CloudClient) {
    this.volumes = new Kept(host, cloud, 'volumes', volumeSchema, {
      body: ({ kind, sizeGiB, from }) => {
        if (kind === 'database') throw new ProviderError('unsupported', 'the memory cloud has no databases');
        return { kind, sizeGiB, ...(from && { from: sourceOf(from) }) };
      },
      grown: (spec, { sizeGiB }) => (Number(spec.sizeGiB) < sizeGiB ? { ...spec, sizeGiB } : undefined),
      shown: ({ spec: { kind, sizeGiB } }) => ({ kind, sizeGiB }),
    });
    this.snapshots = new Kept(host, cloud, 'snapshots', snapshotSchema, {
      body: ({ volume }) => ({ volume: volume.handle.name, volumeId: volume.id }),
      grown: () => undefined,
      shown: ({ spec: { volumeId, takenAt } }) => ({ volume: volumeId, takenAt }),
    });
  }
}

interface Shape<S, I, R> {
  body(spec: S): Record<string, unknown>;
  /** The spec to write, where it is to change in place. */
  grown(there: Readonly<Record<string, unknown>>, wanted: S): Record<string, unknown> | undefined;
  shown(item: I): Omit<R, 'id' | 'fingerprint' | 'tags' | 'phase' | 'handle'>;
}

class Kept<
  S extends VolumeSpec | SnapshotSpec,
  I extends z.output<typeof itemSchema>,
  R extends Volume | Snapshot,
> implements ResourceDriver<S, R> {
  constructor(
    private readonly host: Host,
    private readonly cloud: CloudClient,
    private readonly collection: 'volumes' | 'snapshots',
    private readonly schema: z.ZodType<I>,
    private readonly shape: Shape<S, I, R>,
  ) {}

  async ensure(spec: S, call: Call): Promise<R> {
    const path = this.#path(spec);
    const found = await this.cloud.find(path, this.schema, call);
    if (found) assertOurs(this.host, found);
    const changed = found ? this.shape.grown(found.spec, spec) : this.shape.body(spec);
    if (found && !changed) return this.#resource(found);
    const condition = found ? { ifMatch: String(found.version) } : { ifNew: true };
    const body = { tags: { ...found?.tags, ...spec.tags }, spec: this.host.merge(changed ?? {}, spec.native) };
    try {
      return this.#resource(
        await this.cloud.ask({ method: 'PUT', path, body, ...condition, schema: this.schema }, call),
      );
    } catch (error) {
      const other = isConflict(error) ? await this.cloud.find(path, this.schema, call) : undefined;
      if (!other) throw error;
      return this.#resource(other); // another call of ours was first, or an answer was lost
    }
  }

  async read(ref: ResourceRef, call: Call): Promise<R | undefined> {
    const found = await this.cloud.find(this.#path(ref), this.schema, call);
    return found && this.#resource(found);
  }

  async *list(call: Call): AsyncGenerator<R> {
    const filter = { tag: `clusternator_project=${this.host.project}` };
    for await (const item of this.cloud.list(this.collection, filter, this.schema, call))
      if (this.host.identify(item.tags)) yield this.#resource(item);
  }

  async destroy(ref: ResourceRef, call: Call): Promise<void> {
    const path = this.#path(ref);
    const found = await this.cloud.find(path, this.schema, call);
    if (!found) return;
    assertOurs(this.host, found);
    try {
      await this.cloud.ask({ method: 'DELETE', path, schema: z.unknown() }, call);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  #path({ id }: ResourceRef): string {
    return `${this.collection}/${this.host.name([this.collection, id], { maxLength: 40 })}`;
  }

  #resource(item: I): R {
    const { id, fingerprint, tags } = assertOurs(this.host, item);
    const common = { id, fingerprint, tags, phase: 'active' as const, handle: { name: item.name } };
    return { ...common, ...this.shape.shown(item) } as unknown as R; // `shown` gives all that the common part lacks
  }
}

function sourceOf(from: NonNullable<VolumeSpec['from']>): {
  readonly collection: string;
  readonly name: string | undefined;
} {
  if ('snapshot' in from) return { collection: 'snapshots', name: from.snapshot.handle.name };
  return { collection: 'volumes', name: from.volume.handle.name };
}
