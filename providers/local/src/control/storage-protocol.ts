import { z } from 'zod';
import { noZero, tags, word } from './protocol.ts';
import { phase } from './views.ts';

/** What a volume is filled from, once, before it is there. */
export const volumeSourceSchema = z.union([z.strictObject({ snapshot: word }), z.strictObject({ volume: word })]);

/** `PUT …/volumes/:id`. */
export const volumeBodySchema = z.strictObject({
  fingerprint: noZero.min(1),
  tags,
  kind: z.enum(['files', 'disk']),
  sizeGiB: z.number().positive(),
  from: volumeSourceSchema.optional(),
});

/** `PUT …/snapshots/:id`. */
export const snapshotBodySchema = z.strictObject({
  fingerprint: noZero.min(1),
  tags,
  volume: word,
  hold: z.literal(true).optional(),
});

/** Below a volume's top, and not above it. */
const inside = noZero.regex(/^(?!\/)(?!(?:.*\/)?\.\.(?:\/|$))(?!\.?\/?$).+$/, 'a path below the top of the volume');

/** `POST …/snapshots/:id/complete`. */
export const snapshotEndSchema = z.strictObject({ again: z.array(inside), files: z.record(inside, z.string()) });
export type SnapshotEndBody = z.output<typeof snapshotEndSchema>;

/** Answers `POST …/snapshots/:id/dump`: where its content is to be written. */
export const dumpTargetSchema = z.object({ file: z.string() });
/** Answers `GET …/snapshots/:id/dump`: where its content is, and what it must be. */
export const dumpSourceSchema = z.object({ file: z.string(), sha256: z.string() });
/** `POST …/snapshots/:id/changes`. */
export const changesBodySchema = z.strictObject({ volume: word });
export const bytesSchema = z.object({ bytes: z.number() });

export type VolumeSource = z.output<typeof volumeSourceSchema>;
export type VolumeBody = z.output<typeof volumeBodySchema>;
export type SnapshotBody = z.output<typeof snapshotBodySchema>;

/** Of work that goes on. `total` is an estimate. */
const progress = z.object({ message: z.string(), done: z.number(), total: z.number() });
export type ProgressView = z.output<typeof progress>;

const resource = {
  id: z.string(),
  fingerprint: z.string(),
  tags: z.record(z.string(), z.string()),
  phase,
  handle: z.record(z.string(), z.string()),
  message: z.string().optional(),
  progress: progress.optional(),
};

export const volumeViewSchema = z.object({
  ...resource,
  kind: z.enum(['files', 'disk']),
  sizeGiB: z.number(),
  usedBytes: z.number().optional(),
});
export type VolumeView = z.output<typeof volumeViewSchema>;

export const snapshotViewSchema = z.object({
  ...resource,
  volume: z.string(),
  takenAt: z.string(),
  bytes: z.number().optional(),
  isCopied: z.literal(true).optional(),
});
export type SnapshotView = z.output<typeof snapshotViewSchema>;
