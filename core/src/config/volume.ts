import { z } from 'zod';
import { commandSchema, durationSchema, nameSchema, openSchema, sizeSchema } from './fields.ts';

const MIB_A_GIB = 1024;

const engineSchema = z
  .union([
    z.string().regex(/^[a-z][a-z0-9-]*:[\w.-]+$/, 'must be an engine and its version, such as postgres:17'),
    z.strictObject({
      name: nameSchema.describe('Such as postgres.'),
      version: z
        .union([z.string().min(1), z.int()])
        .transform(String)
        .describe('Such as 17.'),
    }),
  ])
  .transform((engine) => {
    if (typeof engine !== 'string') return engine;
    const colon = engine.indexOf(':');
    return { name: engine.slice(0, colon), version: engine.slice(colon + 1) };
  });

const snapshotName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._@-]*(?:\/[a-z0-9][a-z0-9._@-]*)?$/,
    'must be a snapshot such as sanitized or master/latest',
  );
const seedSchema = z
  .union([
    z.string().regex(/^(?:empty|snapshot:.+)$/, 'must be empty or snapshot:<name>, such as snapshot:master/latest'),
    z.strictObject({
      snapshot: snapshotName.optional().describe('What it begins with: a snapshot, or <slot>/latest.'),
      run: commandSchema
        .optional()
        .describe(
          'Fills or cleans the data before anything else uses it. It runs once for each source and script, in a copy of the service that mounts the volume; what it leaves is kept as a snapshot.',
        ),
      in: nameSchema.optional().describe('The service that run is run in. Left out: the first that mounts the volume.'),
      data: z
        .literal('unsanitized')
        .optional()
        .describe('Says in words that the data of a slot may be used as it is, without run.'),
    }),
  ])
  .transform((seed) =>
    typeof seed !== 'string' ? seed : seed === 'empty' ? {} : { snapshot: seed.slice('snapshot:'.length) },
  )
  .refine(
    ({ snapshot }) => snapshot === undefined || snapshotName.safeParse(snapshot).success,
    'must name a snapshot such as sanitized or master/latest',
  );
/** What a new volume begins with. */
export type SeedConfig = z.output<typeof seedSchema>;

const kept = z.int().min(1).max(10_000).optional();
const keepSchema = z
  .union([
    durationSchema(1),
    z.strictObject({
      last: kept.describe('How many of the newest.'),
      hourly: kept.describe('One an hour, for so many hours.'),
      daily: kept.describe('One a day, for so many days.'),
      weekly: kept.describe('One a week, for so many weeks.'),
      monthly: kept.describe('One a month, for so many months.'),
    }),
  ])
  .transform((keep) => (typeof keep === 'number' ? { seconds: keep } : keep))
  .refine((keep) => Object.values(keep).some((rule) => rule !== undefined), 'must keep something');

const inService = nameSchema.optional().describe('The service. Left out: the first that mounts the volume.');
const quiesceSchema = z.union([
  z.enum(['none', 'auto', 'postgres', 'pg_dump', 'mysql', 'redis']),
  z.strictObject({
    before: commandSchema.describe('Runs in the service before the snapshot.'),
    after: commandSchema.describe('Runs in the service after the snapshot, whatever became of it.'),
    within: durationSchema(1).prefault('30s').describe('How long writers may wait at most.'),
    in: inService,
  }),
  z.strictObject({
    dump: commandSchema.describe('Runs in the service. Its output is the backup.'),
    restore: commandSchema.optional().describe('Reads a dump from its input, in the service on a new, empty volume.'),
    in: inService,
  }),
]);

const verifySchema = z
  .union([commandSchema, z.strictObject({ run: commandSchema.describe('The command.'), in: inService })])
  .transform((verify): { readonly run: readonly string[]; readonly in?: string | undefined } =>
    'run' in verify ? verify : { run: verify },
  );

const backupSchema = z
  .strictObject({
    every: durationSchema(60).describe('How often, such as 6h.'),
    keep: keepSchema.describe('How long, such as 14d, or how many by hour, day, week and month.'),
    quiesce: quiesceSchema
      .default('none')
      .describe(
        'How the application is made consistent: none (what a power cut would leave), postgres, pg_dump, mysql or redis, auto (by the image), or commands.',
      ),
    verify: verifySchema
      .optional()
      .describe(
        'Runs in a copy of the service on a volume that was restored from the backup; 0 means that it is good.',
      ),
  })
  .transform(({ every, ...backup }) => ({ everySeconds: every, ...backup }));
/** Snapshots by schedule. */
export type BackupConfig = z.output<typeof backupSchema>;

/** Durable data. */
export const volumeSchema = z
  .strictObject({
    size: sizeSchema(1).prefault('1Gi').describe('Such as 20Gi.'),
    scope: z
      .enum(['env', 'slot', 'project'])
      .default('env')
      .describe(
        'How long it lives, and who shares it: an environment, a slot whatever its head is, or the whole project.',
      ),
    kind: z
      .enum(['files', 'disk', 'database'])
      .default('files')
      .describe(
        'files: many instances mount it. disk: one at a time. database: a managed one, which services need and do not mount.',
      ),
    engine: engineSchema.optional().describe('Of a database, such as postgres:17.'),
    seed: seedSchema.optional().describe('What it begins with: empty, snapshot:<name>, or { snapshot, run }.'),
    backup: backupSchema.optional().describe('Snapshots by schedule.'),
    onDestroy: z
      .enum(['delete', 'snapshot', 'retain'])
      .optional()
      .describe('What becomes of it with what it belongs to. Left out: delete for the scope env, else retain.'),
    native: openSchema.optional().describe('Laid over what the cloud is asked for, as the cloud spells it.'),
  })
  .transform(({ size, onDestroy, ...volume }) => ({
    ...volume,
    sizeGiB: size / MIB_A_GIB,
    onDestroy: onDestroy ?? (volume.scope === 'env' ? ('delete' as const) : ('retain' as const)),
  }));

/** A volume with its defaults, in the units of the contract. */
export type VolumeConfig = z.output<typeof volumeSchema>;
