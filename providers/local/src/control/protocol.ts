import { z } from 'zod';

/** As in tags: becomes part of paths, names of containers and labels. */
export const word = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?$/, 'lower-case letters, digits, - and _, at most 63');
export const partName = z
  .string()
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,62})$/, 'letters, digits, - and _, at most 63');
const variable = z.string().regex(/^[^=\0]+$/, 'the name of an environment variable');
export const noZero = z.string().regex(/^[^\0]*$/, 'text without a zero byte');
const variables = z.record(variable, noZero);
export const tags = z.record(z.string().regex(/^[a-z][a-z0-9_]{0,62}$/), z.string().regex(/^[a-z0-9_-]{0,63}$/));
export const hostName = z
  .string()
  .regex(/^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/);
const folder = noZero.startsWith('/', 'an absolute path');
const instances = z.strictObject({ min: z.int().min(0).max(100), max: z.int().min(0).max(100) });
const argv = z.array(noZero).min(1);

const healthCheck = z.strictObject({
  path: noZero.startsWith('/'),
  statusFrom: z.int().min(100).max(599),
  statusTo: z.int().min(100).max(599),
  everySeconds: z.number().positive(),
  withinSeconds: z.number().positive(),
  healthyAfter: z.int().min(1),
});

const service = z
  .strictObject({
    artefact: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('image'), reference: noZero.min(1) }),
      z.strictObject({ kind: z.literal('files'), digest: noZero.min(1), folder }),
    ]),
    command: argv.optional(),
    install: argv.optional(),
    /** What an install goes by, and what it makes. */
    installCache: z.strictObject({ inputs: z.array(noZero.min(1)), outputs: z.array(noZero.min(1)) }).optional(),
    /** Of a source tree: the folder that the command runs in. */
    workingDir: noZero.default('.'),
    port: z.int().min(1).max(65535).optional(),
    protocol: z.enum(['http', 'tcp']),
    route: noZero.startsWith('/').optional(),
    health: healthCheck.optional(),
    env: variables,
    needs: z.record(partName, z.string()),
    mounts: z.record(noZero.min(1), z.strictObject({ volume: word, readOnly: z.boolean() })),
    cpus: z.number().positive(),
    memoryMiB: z.number().positive(),
    instances,
  })
  .refine((it) => it.artefact.kind === 'image' || it.command !== undefined, {
    error: 'a source tree needs a command',
    path: ['command'],
  });

const site = z.strictObject({
  digest: noZero.min(1),
  folder,
  route: noZero.startsWith('/'),
  fallback: noZero.optional(),
});

/** An environment as it is kept: all but its secrets. */
export const storedSpecSchema = z.strictObject({
  fingerprint: noZero.min(1),
  tags,
  hosts: z.array(hostName).max(100),
  services: z.record(partName, service),
  sites: z.record(partName, site),
  /** Folders that an install may find as an earlier one left them. */
  cache: z.strictObject({ folders: z.array(noZero.min(1)), sizeMiB: z.number().positive() }).optional(),
});

/** What must not be readable where it is kept. */
export const sealedSchema = z.strictObject({
  /** What every process of the environment gets from whoever made it: PATH, HOME, a proxy. */
  base: variables,
  /** By service and variable. */
  secrets: z.record(partName, variables),
});

/** `PUT …/environments/:id`. */
export const environmentBodySchema = z.strictObject({ spec: storedSpecSchema, sealed: sealedSchema });

/** `POST …/environments/:id/scale`: by service. */
export const scaleBodySchema = z.strictObject({ instances: z.record(partName, instances) });

/** `POST …/environments/:id/exec`: where a command of this service runs. */
export const execBodySchema = z.strictObject({ service: partName });

export type StoredSpec = z.output<typeof storedSpecSchema>;
export type ServiceBody = z.output<typeof service>;
export type SiteBody = z.output<typeof site>;
export type HealthCheckBody = z.output<typeof healthCheck>;
export type InstancesBody = z.output<typeof instances>;
export type Sealed = z.output<typeof sealedSchema>;
export type EnvironmentBody = z.output<typeof environmentBodySchema>;
