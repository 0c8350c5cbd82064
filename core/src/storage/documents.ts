import { z } from 'zod';
import type { Snapshot, SnapshotSpec, Volume, VolumeSpec } from './storage.ts';

// Lazy: a command that needs no storage spends nothing on its schemas.
const instant = z.iso.datetime();
const hasId = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string';
const provider = z.strictObject({ name: z.string(), config: z.unknown() });

/** The operation that works on it, in the hand of the process with that epoch of the operation. */
export const storageOwnerSchema = z.lazy(() => z.strictObject({ operation: z.string(), epoch: z.int().nonnegative() }));

/** What runs where a volume is used: its service, with the volume mounted. */
const inService = { service: z.string().exactOptional() };
const commandSchema = z.array(z.string());
export const quiesceDocumentSchema = z.lazy(() =>
  z.union([
    z.enum(['none', 'auto', 'postgres', 'pg_dump', 'mysql', 'redis']),
    z.strictObject({ before: commandSchema, after: commandSchema, within: z.number(), ...inService }),
    z.strictObject({ dump: commandSchema, restore: commandSchema.exactOptional(), ...inService }),
  ]),
);
export type QuiesceRule = z.output<typeof quiesceDocumentSchema>;

export const keepDocumentSchema = z.lazy(() =>
  z.strictObject({
    seconds: z.number().exactOptional(),
    last: z.int().exactOptional(),
    hourly: z.int().exactOptional(),
    daily: z.int().exactOptional(),
    weekly: z.int().exactOptional(),
    monthly: z.int().exactOptional(),
  }),
);
export type KeepRule = z.output<typeof keepDocumentSchema>;

/** What a volume's config promised, as it was last deployed. */
export const backupRuleSchema = z.lazy(() =>
  z.strictObject({
    everySeconds: z.number(),
    keep: keepDocumentSchema,
    quiesce: quiesceDocumentSchema,
    verify: z.strictObject({ run: commandSchema, ...inService }).exactOptional(),
  }),
);
export type BackupRule = z.output<typeof backupRuleSchema>;

/** One volume of the provider. `id` is its id there too. */
export const volumeDocumentSchema = z.lazy(() =>
  z.strictObject({
    schema: z.literal(1),
    id: z.string(),
    /** As the config calls it. */
    name: z.string(),
    scope: z.enum(['env', 'slot', 'project']),
    slot: z.string().exactOptional(),
    /** Whose it is, by the scope `env`. */
    environment: z.string().exactOptional(),
    /**
     * `creating` until it is whole: nothing mounts it, and it is not listed as ready. `scratch`: for one operation alone.
     */
    phase: z.enum(['creating', 'ready', 'destroying', 'gone']),
    isScratch: z.boolean().exactOptional(),
    owner: storageOwnerSchema.exactOptional(),
    /** Rises with every swap: what is made for a slot is made anew then. */
    generation: z.int().nonnegative(),
    /** The volume in use in place of this one, since a restore was swapped in. */
    current: z.string().exactOptional(),
    /** The volume that its place is named by. Left out: itself. */
    place: z.string().exactOptional(),
    /** What it was made from: a snapshot or a volume. */
    origin: z.string().exactOptional(),
    /** The data, or data that it was made from, was a slot's, and no command has cleaned it. */
    holdsSlotData: z.boolean(),
    provider,
    spec: z.custom<VolumeSpec>(hasId, 'expected a volume spec'),
    volume: z.custom<Volume>(hasId, 'expected a volume').exactOptional(),
    onDestroy: z.enum(['delete', 'snapshot', 'retain']),
    /** A person, or `onDestroy: retain`, keeps it: nothing automatic destroys it. */
    retained: z.strictObject({ at: instant, why: z.string() }).exactOptional(),
    backup: backupRuleSchema.exactOptional(),
    /** Of the newest backup that was begun. */
    lastBackup: z
      .strictObject({
        sequence: z.int().positive(),
        at: instant,
        /** Seconds that have passed by since the first backup, as far as they are sure: a clock that jumped counts for little. */
        elapsedSeconds: z.number().nonnegative(),
        /** Tells apart two that found it due at the same moment. */
        by: z.string().exactOptional(),
        error: z.string().exactOptional(),
      })
      .exactOptional(),
    /** Of a `disk`: the one environment that may mount it. */
    holder: z.string().exactOptional(),
    /** Of the slot, when it was handed over: who comes with an older one was overtaken. */
    holderEpoch: z.int().nonnegative().exactOptional(),
    createdAt: instant,
    readyAt: instant.exactOptional(),
  }),
);
export type VolumeDocument = z.output<typeof volumeDocumentSchema>;

/** One snapshot. `id` is its id at the provider too. */
export const snapshotDocumentSchema = z.lazy(() =>
  z.strictObject({
    schema: z.literal(1),
    id: z.string(),
    /** Document id of the volume that it is of. */
    volume: z.string(),
    /** The place of that volume: what is swapped in there goes on with its backups. */
    place: z.string(),
    /** As the config calls that volume, and whose it was. */
    name: z.string(),
    slot: z.string().exactOptional(),
    environment: z.string().exactOptional(),
    phase: z.enum(['creating', 'ready', 'destroying']),
    owner: storageOwnerSchema.exactOptional(),
    /** Why it was taken. */
    kind: z.enum(['manual', 'backup', 'seed', 'destroy', 'migration', 'restore', 'clone']),
    /** `dump`: a stream that a command of the service wrote. */
    content: z.enum(['volume', 'dump']),
    /** The command that reads a dump again, and the service that it runs in. */
    restore: z.strictObject({ run: commandSchema, service: z.string() }).exactOptional(),
    /** How the application was made consistent. */
    quiesce: z.string(),
    holdsSlotData: z.boolean(),
    provider,
    /** With its volume by what is needed to make it again. */
    spec: z.custom<SnapshotSpec>(hasId, 'expected a snapshot spec'),
    snapshot: z.custom<Snapshot>(hasId, 'expected a snapshot').exactOptional(),
    takenAt: instant.exactOptional(),
    bytes: z.number().exactOptional(),
    /** Of a backup. */
    backup: z
      .strictObject({
        sequence: z.int().positive(),
        elapsedSeconds: z.number().nonnegative(),
        /** Runs of the schedule that did not take place before it. */
        missed: z.int().nonnegative(),
      })
      .exactOptional(),
    /** A person keeps it: it does not expire. */
    retained: z.strictObject({ at: instant, why: z.string() }).exactOptional(),
    verified: z.strictObject({ at: instant, isGood: z.boolean(), message: z.string().exactOptional() }).exactOptional(),
    createdAt: instant,
  }),
);
export type SnapshotDocument = z.output<typeof snapshotDocumentSchema>;

/** What can be restored: whole, and not known to be bad. */
export function isGood({ phase, verified }: SnapshotDocument): boolean {
  return phase === 'ready' && verified?.isGood !== false;
}

/** Documents hold dates as texts. */
export function reviveSnapshot(snapshot: Snapshot): Snapshot {
  return { ...snapshot, takenAt: new Date(snapshot.takenAt) };
}
