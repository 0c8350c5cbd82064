import { z } from 'zod';
import { DEFAULT_STAGE } from '../names/owner.ts';
import { commandSchema, durationSchema, hostSchema, nameSchema, sizeSchema, treePathSchema } from './fields.ts';
import { serviceSchema, type ServiceConfig } from './service.ts';
import { STAGE_KEYS } from './stage-overlay.ts';
import { siteSchema, type SiteConfig } from './site.ts';
import { slotNameSchema, slotSchema, type SlotConfig } from './slot.ts';
import { volumeSchema, type VolumeConfig } from './volume.ts';

export type { ServiceConfig, SiteConfig, SlotConfig, VolumeConfig };

const providerId = z.string().regex(/^[a-z][a-z0-9-]*$/, 'must be the id of a provider, such as aws');
/** A provider by its id, or with its own keys beside `name`. */
const providerSchema = z
  .union([providerId, z.looseObject({ name: providerId.describe('Its id.') })])
  .transform((provider): { name: string; config: Record<string, unknown> } => {
    if (typeof provider === 'string') return { name: provider, config: {} };
    const { name, ...config } = provider;
    return { name, config };
  });

const registry = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*$/,
    'must be a registry and a path, such as ghcr.io/acme/shop',
  );

/** Which providers may be loaded. */
export const providersSchema = z
  .strictObject({
    allow: z.array(providerId).optional().describe('The only providers that may be loaded.'),
    integrity: z
      .record(providerId, z.string().regex(/^sha512-[A-Za-z0-9+/]{86}==$/, 'must be as `provider show` prints it'))
      .optional()
      .describe(
        'By provider: the integrity of its package, as `clusternator provider show` prints it. Another package is not loaded.',
      ),
  })
  .prefault({})
  .describe('What providers may be used.');

const CACHE_SIZE = '2Gi';
const cacheSize = sizeSchema(1);
const cacheFolders = z.array(treePathSchema.refine((path) => path !== '.', 'must not be the whole checkout')).max(20);

/** The parts of a config that are validated one by one, so that a mistake in one does not hide those in the others. */
export const sectionSchemas = {
  services: serviceSchema,
  sites: siteSchema,
  volumes: volumeSchema,
  slots: slotSchema,
} as const;

const stageSchema = z.strictObject(
  Object.fromEntries(
    STAGE_KEYS.map((key) => [key, z.unknown().optional().describe(`Of \`${key}\`, in this stage.`)]),
  ) as Record<
    (typeof STAGE_KEYS)[number], // of the same keys
    z.ZodOptional<z.ZodUnknown>
  >,
);

const documentSchema = z.strictObject({
  $schema: z.string().optional().describe('For editors: where the JSON Schema of this file is.'),
  project: nameSchema.describe(
    'The name of the project. It is part of host names, and of the names of all that is made.',
  ),
  stage: nameSchema
    .prefault(DEFAULT_STAGE)
    .describe('Keeps apart what is made of one project for several purposes, such as in two accounts.'),
  stages: z
    .record(nameSchema, stageSchema)
    .optional()
    .describe('By stage: what is another there, such as sizes. Maps are merged, all else is replaced.'),
  provider: providerSchema.describe(
    "The cloud: an id such as local or aws, or { name, … } with the provider's own keys.",
  ),
  dns: providerSchema.optional().describe('The provider of the DNS, where it is another.'),
  state: providerSchema.optional().describe('The provider that keeps the state, where it is another.'),
  domain: hostSchema.max(189).optional().describe('Under it environments and slots are named.'),
  registry: registry.optional().describe('Where images are pushed to, where the provider has no registry of its own.'),
  services: z.record(nameSchema, serviceSchema).default({}).describe('The parts that run, by name.'),
  sites: z.record(nameSchema, siteSchema).default({}).describe('The parts that are served from files, by name.'),
  volumes: z.record(nameSchema, volumeSchema).default({}).describe('Durable data, by name.'),
  slots: z.record(slotNameSchema, slotSchema).default({}).describe('The named public addresses.'),
  environments: z
    .strictObject({
      ttl: durationSchema(60)
        .optional()
        .describe('After which an environment that no slot uses is destroyed, such as 72h.'),
      max: z
        .int()
        .min(1)
        .max(100_000)
        .optional()
        .describe('How many are kept; beyond it the oldest that no slot uses is destroyed.'),
    })
    .transform(({ ttl, max }) => ({ ...(ttl !== undefined && { ttlSeconds: ttl }), ...(max !== undefined && { max }) }))
    .prefault({})
    .describe('How long environments are kept.'),
  providers: providersSchema,
  secretsFrom: z
    .strictObject({
      file: treePathSchema
        .optional()
        .describe('A file with lines NAME=value, beside this one in the work tree. Not for the repository.'),
      command: commandSchema.optional().describe('Prints lines NAME=value.'),
    })
    .prefault({})
    .describe('Where the values of secrets come from, besides the environment of the command and --env-file.'),
  logs: z
    .strictObject({
      keep: durationSchema(60)
        .optional()
        .describe('How long logs are kept after their environment is gone, such as 30d. Left out: not at all.'),
      size: sizeSchema(1)
        .prefault('200Mi')
        .describe('How much the kept logs of all environments may take together; beyond it the oldest go.'),
    })
    .transform(({ keep, size }) => ({ sizeMiB: size, ...(keep !== undefined && { keepSeconds: keep }) }))
    .prefault({})
    .describe('What becomes of logs.'),
  cache: z
    .union([
      cacheFolders,
      z.strictObject({
        folders: cacheFolders.describe('Of the checkout.'),
        size: cacheSize.prefault(CACHE_SIZE).describe('How much all of them may take together.'),
      }),
    ])
    .transform((cache) =>
      Array.isArray(cache)
        ? { folders: cache, sizeMiB: cacheSize.parse(CACHE_SIZE) }
        : { folders: cache.folders, sizeMiB: cache.size },
    )
    .prefault([])
    .describe(
      'Folders of the checkout that installs and builds leave to later ones, such as .npm or node_modules/.cache: a list, or { folders, size }.',
    ),
});

/** The whole config. What one key alone can't tell is in `checkConfig`. */
export const projectConfigSchema = documentSchema.transform(({ $schema: _, stages: _stages, ...config }) => config);

/** A config as it is used: every default filled in, durations in seconds, sizes in MiB and GiB, commands as arguments. */
export type ProjectConfig = z.output<typeof projectConfigSchema>;
/** A config as it is written. */
export type ProjectConfigInput = z.input<typeof projectConfigSchema>;
