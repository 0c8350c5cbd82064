import { z } from 'zod';

/** Raised by a change that an older client or daemon would misread. `GET /v1/status` and `POST /v1/stop` never change. */
export const PROTOCOL = 4;

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

export const phase = z.enum(['creating', 'active', 'stopped', 'failed', 'destroying']);
export type PhaseName = z.output<typeof phase>;

/** An environment as the daemon tells of it. */
export const environmentViewSchema = z.object({
  id: z.string(),
  fingerprint: z.string(),
  tags: z.record(z.string(), z.string()),
  phase,
  message: z.string().optional(),
  handle: z.record(z.string(), z.string()),
  url: z.string().optional(),
  address: z.string(),
  parts: z.record(
    z.string(),
    z.object({ phase, url: z.string().optional(), digest: z.string().optional(), message: z.string().optional() }),
  ),
  /** Changes with every change of the rest. */
  revision: z.int(),
});
export type EnvironmentView = z.output<typeof environmentViewSchema>;

export const healthViewSchema = z.object({
  healthy: z.boolean(),
  parts: z.record(
    z.string(),
    z.object({ healthy: z.boolean(), instances: z.number().optional(), message: z.string().optional() }),
  ),
  observedAt: z.string(),
  lastRequestAt: z.string().optional(),
});
export type HealthView = z.output<typeof healthViewSchema>;

export const logLineSchema = z.object({
  at: z.string(),
  service: z.string(),
  instance: z.string(),
  text: z.string(),
  cursor: z.string(),
});
export type LogLineView = z.output<typeof logLineSchema>;

/** Where a command of a service runs: beside its process, by whoever asked, or in its container. */
export const execViewSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('process'), directory: z.string(), env: z.record(z.string(), z.string()) }),
  z.object({ kind: z.literal('container'), container: z.string(), home: z.string() }),
]);
export type ExecView = z.output<typeof execViewSchema>;

export const statusSchema = z.object({
  protocol: z.int(),
  version: z.string(),
  pid: z.int(),
  startedAt: z.string(),
  stateFolder: z.string(),
  proxyPort: z.int(),
  dnsPort: z.int(),
  environments: z.int(),
  processes: z.int(),
  residentMiB: z.number(),
});
export type DaemonStatus = z.output<typeof statusSchema>;

/** What the daemon answers to what it can't do. */
export const errorBodySchema = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    hint: z.string().optional(),
    path: z.string().optional(),
    retry: z.enum(['never', 'safe', 'after-read']).optional(),
    effect: z.enum(['none', 'applied', 'unknown']).optional(),
  }),
});
