import {
  ProviderError,
  type ResourceDriver,
  type Snapshot,
  type SnapshotSpec,
  type StorageDriver,
  type Volume,
  type VolumeSpec,
} from '@clusternator/core';
import { laidOver, wrong, type Mutant } from './mutant.ts';

type Volumes = ResourceDriver<VolumeSpec, Volume>;
type Snapshots = ResourceDriver<SnapshotSpec, Snapshot>;

/** Replaces methods of the driver of volumes, of snapshots or of both. */
function storing(
  change: (volumes: Volumes, snapshots: Snapshots) => { volumes?: Partial<Volumes>; snapshots?: Partial<Snapshots> },
) {
  return wrong({
    drivers: {
      storage: ({ volumes, snapshots = none() }): Partial<StorageDriver> => {
        const changed = change(volumes, snapshots);
        return {
          volumes: laidOver(volumes, changed.volumes ?? {}),
          snapshots: laidOver(snapshots, changed.snapshots ?? {}),
        };
      },
    },
  });
}
function none(): never {
  throw new Error('the memory provider has snapshots');
}

export const storageMutants: readonly Mutant[] = [
  {
    id: 'forgets-mounts',
    says: 'runs a service without its volumes',
    caughtBy: ['storage/what-is-written-is-there-for-the-next'],
    provider: wrong({
      drivers: {
        environments: (right) => ({
          ensure: (spec, call) => {
            const services = Object.entries(spec.services).map(([name, service]) => [name, { ...service, mounts: {} }]);
            return right.ensure({ ...spec, services: Object.fromEntries(services) }, call);
          },
        }),
      },
    }),
  },
  {
    id: 'snapshots-by-reference',
    says: 'takes a snapshot for its volume',
    caughtBy: ['storage/a-snapshot-is-not-changed-by-later-writes'],
    provider: (() => {
      const sources = new Map<string, Volume>();
      return storing((volumes, snapshots) => ({
        volumes: {
          ensure: (spec, call) => {
            const source = spec.from && 'snapshot' in spec.from ? sources.get(spec.from.snapshot.id) : undefined;
            return volumes.ensure(source ? { ...spec, from: { volume: source } } : spec, call);
          },
        },
        snapshots: {
          ensure: (spec, call) => {
            sources.set(spec.id, spec.volume);
            return snapshots.ensure(spec, call);
          },
        },
      }));
    })(),
  },
  {
    id: 'retakes-snapshots',
    says: 'takes a snapshot again when it is asked for again',
    caughtBy: ['storage/a-snapshots-name-is-taken-once'],
    provider: storing((_volumes, snapshots) => ({
      snapshots: {
        ensure: async (spec, call) => {
          await snapshots.destroy(spec, call);
          return snapshots.ensure(spec, call);
        },
      },
    })),
  },
  {
    id: 'restores-in-place',
    says: 'restores over a volume that is there',
    caughtBy: ['storage/a-restore-is-a-new-volume'],
    provider: storing((volumes) => ({
      volumes: {
        ensure: async (spec, call) => {
          if (spec.from) await volumes.destroy(spec, call);
          return volumes.ensure(spec, call);
        },
      },
    })),
  },
  {
    id: 'restores-from-nothing',
    says: 'makes an empty volume where it can not restore',
    caughtBy: ['storage/a-failed-restore-leaves-nothing'],
    provider: storing((volumes) => ({
      volumes: {
        ensure: async ({ from, ...spec }, call) => {
          try {
            return await volumes.ensure({ ...spec, ...(from && { from }) }, call);
          } catch {
            return volumes.ensure(spec, call);
          }
        },
      },
    })),
  },
  {
    id: 'swallows-a-failed-snapshot',
    says: 'reports a snapshot that the cloud refused',
    caughtBy: ['storage/a-snapshot-that-fails-is-told'],
    provider: storing((_volumes, snapshots) => ({
      snapshots: {
        ensure: (spec, call) =>
          snapshots.ensure(spec, call).catch((error: unknown): Snapshot => {
            if (ProviderError.is(error)) throw error;
            const { id, fingerprint, tags, volume } = spec;
            return { id, fingerprint, tags, volume: volume.id, phase: 'active', handle: {}, takenAt: new Date() };
          }),
      },
    })),
  },
  {
    id: 'keeps-one-volume-for-all',
    says: 'names all volumes of a project alike',
    caughtBy: ['storage/volumes-of-every-scope-are-apart'],
    provider: wrong({
      host: (right) => ({ name: (words, rule) => right.name(words[0] === 'volumes' ? ['volumes'] : words, rule) }),
    }),
  },
  {
    id: 'forgets-when-it-took-them',
    says: 'tells of snapshots that were taken in 1970',
    caughtBy: ['storage/snapshots-expire-one-by-one'],
    provider: storing((_volumes, snapshots) => ({
      snapshots: {
        ensure: async (spec, call) => laidOver(await snapshots.ensure(spec, call), { takenAt: new Date(0) }),
      },
    })),
  },
  {
    id: 'clones-by-reference',
    says: 'gives out the source for its clone',
    caughtBy: ['storage/a-clone-is-independent'],
    provider: storing((volumes) => ({
      volumes: {
        ensure: async (spec, call) => {
          const made = await volumes.ensure(spec, call);
          return spec.from && 'volume' in spec.from ? laidOver(made, { handle: spec.from.volume.handle }) : made;
        },
      },
    })),
  },
  {
    id: 'drops-snapshots-with-their-volume',
    says: "removes a volume's snapshots with it",
    caughtBy: ['storage/snapshots-outlive-their-volume'],
    provider: storing((volumes, snapshots) => ({
      volumes: {
        destroy: async (ref, call) => {
          for await (const one of snapshots.list(call)) if (one.volume === ref.id) await snapshots.destroy(one, call);
          await volumes.destroy(ref, call);
        },
      },
    })),
  },
  {
    id: 'never-grows',
    says: 'leaves a volume as large as it was made',
    caughtBy: ['storage/a-volume-grows-in-place'],
    provider: storing((volumes) => ({
      volumes: { ensure: (spec, call) => volumes.ensure({ ...spec, sizeGiB: 1 }, call) },
    })),
  },
  {
    id: 'makes-files-of-disks',
    says: 'makes a shared folder where a disk was asked for',
    caughtBy: ['storage/a-disk-keeps-what-is-written'],
    provider: storing((volumes) => ({
      volumes: { ensure: (spec, call) => volumes.ensure({ ...spec, kind: 'files' }, call) },
    })),
  },
];
