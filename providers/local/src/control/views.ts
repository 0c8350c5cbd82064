import { z } from 'zod';

// Apart from what the daemon is asked for: a command loads this alone.

/** Raised by a change that an older client or daemon would misread. `GET /v1/status` and `POST /v1/stop` never change. */
export const PROTOCOL = 4;

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

/** A slot as the daemon tells of it. */
export const slotViewSchema = z.object({
  id: z.string(),
  fingerprint: z.string(),
  tags: z.record(z.string(), z.string()),
  handle: z.record(z.string(), z.string()),
  url: z.string(),
  routes: z.array(z.object({ environment: z.string(), percent: z.int() })),
  stamp: z.string().optional(),
});
export type SlotView = z.output<typeof slotViewSchema>;
