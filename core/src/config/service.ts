import { z } from 'zod';
import {
  commandSchema,
  envNameSchema,
  envSchema,
  nameSchema,
  openSchema,
  routeSchema,
  secretsSchema,
  sizeSchema,
  treePathSchema,
} from './fields.ts';
import { DEFAULT_HEALTH, healthSchema } from './health.ts';
import { installSchema, withInstall } from './install.ts';

/** 0.5 CPUs with 1 GiB is on sale in every cloud: others tie the one to the other. */
const DEFAULT_CPUS = 0.5;
const DEFAULT_MEMORY = '1Gi';

const buildSchema = z
  .union([
    treePathSchema,
    z.strictObject({
      context: treePathSchema.default('.').describe('The folder that the build sees.'),
      dockerfile: treePathSchema.default('Dockerfile').describe('The Dockerfile, relative to the context.'),
      on: nameSchema
        .optional()
        .describe(
          'Who builds it: `engine`, the Docker Engine at hand, or the cloud: `codebuild` on AWS. Left out: engine.',
        ),
    }),
  ])
  .transform((build): { context: string; dockerfile: string; on?: string } => {
    if (typeof build === 'string') return { context: build, dockerfile: 'Dockerfile' };
    const { on, ...rest } = build;
    return on === undefined || on === 'engine' ? rest : { ...rest, on };
  });

const needsSchema = z
  .union([z.array(nameSchema), z.record(nameSchema, z.union([envNameSchema, z.null()]))])
  .transform((needs): Record<string, string | null> =>
    Array.isArray(needs) ? Object.fromEntries(needs.map((name) => [name, null])) : needs,
  );

const count = z.int().min(0).max(1000);
const instancesSchema = z
  .union([
    count.min(1),
    z.strictObject({
      min: count.default(1).describe('How many run at least. 0 where the cloud starts them on demand.'),
      max: count.min(1).describe('How many run at most.'),
    }),
  ])
  .transform((instances) => (typeof instances === 'number' ? { min: instances, max: instances } : instances))
  .refine(({ min, max }) => min <= max, 'min must not be over max');

const mountPath = z
  .string()
  .min(1, 'is empty')
  .regex(/^[^\0\\:]*$/, 'must not contain : or \\')
  .refine((path) => !path.split('/').includes('..'), 'must not contain ..')
  .refine((path) => !/^\/*$/.test(path), 'must not be the whole file system')
  .transform((path) =>
    path
      .replace(/\/+/g, '/')
      .replace(/^(?:\.\/)+/, '')
      .replace(/\/$/, ''),
  );
const mountSchema = z
  .union([
    mountPath,
    z.strictObject({
      path: mountPath.describe('Where the service finds it.'),
      readOnly: z.boolean().default(false).describe('Whether the service can only read it.'),
    }),
  ])
  .transform((mount) => (typeof mount === 'string' ? { path: mount, readOnly: false } : mount));

const image = z
  .string()
  .regex(
    /^[a-zA-Z0-9][\w.-]*(?::\d+)?(?:\/[\w.-]+)*(?::(?:\w|\{sha\})(?:[\w.-]|\{sha\}){0,127})?(?:@sha256:[0-9a-f]{64})?$/,
    'must be an image such as postgres:17 or registry.example.com/team/api@sha256:…',
  );

/** A part that runs. What it is made of is checked in `checkServices`, where it can say what was meant. */
export const serviceSchema = z
  .strictObject({
    build: buildSchema.optional().describe('A folder with a Dockerfile, or { context, dockerfile, on }: a container.'),
    image: image
      .optional()
      .describe(
        'An image that exists already: a container. {sha} in its tag stands for the commit, where CI builds it.',
      ),
    install: installSchema
      .optional()
      .describe(
        'Runs once in the checkout, before the command of a bare process: a command, or { run, inputs, outputs }.',
      ),
    command: commandSchema
      .optional()
      .describe(
        "What runs: without build and image a bare process in a checkout of the commit, else in place of the image's own command.",
      ),
    dir: treePathSchema.default('.').describe('The folder of the checkout that a bare process runs in.'),
    port: z
      .int()
      .min(1)
      .max(65_535)
      .optional()
      .describe('Where it listens; it is told in PORT. Without one nothing connects to it.'),
    protocol: z
      .enum(['http', 'tcp'])
      .optional()
      .describe('What it speaks at its port. Left out: http where it has a route or a health check, else tcp.'),
    route: routeSchema.optional().describe("Its path under the environment's host. Without one it is private."),
    health: healthSchema
      .optional()
      .describe('How to see that it is ready: a path, or a check. Of services that speak HTTP.'),
    env: envSchema.default({}).describe('Environment variables.'),
    secrets: secretsSchema
      .default({})
      .describe("Environment variables whose values are secret: names, or names with the cloud's own references."),
    needs: needsSchema
      .default({})
      .describe('Services and databases to be ready first, each with the variable to learn its host in.'),
    cpus: z.number().min(0.05).max(256).default(DEFAULT_CPUS).describe('How many CPUs each instance may use.'),
    memory: sizeSchema(8).prefault(DEFAULT_MEMORY).describe('How much memory each instance may use, such as 512Mi.'),
    instances: instancesSchema.prefault(1).describe('How many run: a number, or { min, max }.'),
    volumes: z
      .record(nameSchema, mountSchema)
      .default({})
      .describe('Volumes by name, each with its path in the service.'),
    runOn: z
      .enum(['every', 'head'])
      .default('every')
      .describe('head: it runs only in the environment that a slot sends its traffic to.'),
    native: openSchema.optional().describe('Laid over what the cloud is asked for, as the cloud spells it.'),
  })
  .transform(({ memory, protocol: told, health: check, ...service }) => {
    const isHttp = service.port === undefined || service.route !== undefined || check !== undefined;
    const protocol = told ?? (isHttp ? ('http' as const) : ('tcp' as const)); // literal types for the output
    const health = check ?? (protocol === 'http' && service.port !== undefined ? DEFAULT_HEALTH : undefined);
    return { ...withInstall(service), protocol, memoryMiB: memory, ...(health && { health }) };
  });

/** A service with all its defaults, in the units of the contract. */
export type ServiceConfig = z.output<typeof serviceSchema>;
