import { z } from 'zod';
import { noZero, phase, tags, word } from './protocol.ts';

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
export const snapshotBodySchema = z.strictObject({ fingerprint: noZero.min(1), tags, volume: word });

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

export const volumeViewSchema = z.object({ ...resource, kind: z.enum(['files', 'disk']), sizeGiB: z.number() });
export type VolumeView = z.output<typeof volumeViewSchema>;

export const snapshotViewSchema = z.object({
  ...resource,
  volume: z.string(),
  takenAt: z.string(),
  bytes: z.number().optional(),
});
export type SnapshotView = z.output<typeof snapshotViewSchema>;
