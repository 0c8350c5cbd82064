import { z } from 'zod';
import { slotNameProblem } from '../names/name.ts';
import { durationSchema, envSchema, hostSchema, secretsSchema } from './fields.ts';
import { healthSchema } from './health.ts';
import { parseDuration } from './units.ts';

/** Of a slot. */
export const slotNameSchema = z.string().superRefine((name, context) => {
  const problem = slotNameProblem(name);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});

const STAGES = /^\d{1,3}@(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+(?:,\d{1,3}@(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+)*(?:,100)?$/;
const stagesSchema = z
  .union([
    z.string().regex(STAGES, { error: 'must be stages such as 10@5m,50@5m,100', abort: true }),
    z.array(
      z.strictObject({
        percent: z.int().min(1).max(100).describe('Of the traffic, to the new head.'),
        hold: durationSchema().prefault('0s').describe('How long before the next stage.'),
      }),
    ),
  ])
  .transform((stages) => (typeof stages === 'string' ? stages.split(',').map(parseStage) : stages.map(toStage)))
  .transform((stages) => (stages.at(-1)?.percent === 100 ? stages : [...stages, { percent: 100, holdSeconds: 0 }]))
  .refine(
    (stages) =>
      stages.every(({ percent }, at) => percent >= 1 && percent <= 100 && percent > (stages[at - 1]?.percent ?? 0)),
    'must rise from one stage to the next, up to 100',
  );

function parseStage(text: string): { percent: number; holdSeconds: number } {
  const [percent = '', hold] = text.split('@');
  return { percent: Number(percent), holdSeconds: hold === undefined ? 0 : parseDuration(hold) };
}
function toStage({ percent, hold }: { percent: number; hold: number }): { percent: number; holdSeconds: number } {
  return { percent, holdSeconds: hold };
}

const drainSchema = z
  .strictObject({
    requests: durationSchema().prefault('30s').describe('How long requests in flight may take to end.'),
    ws: durationSchema().prefault('30s').describe('Over how long WebSockets are closed.'),
  })
  .transform(({ requests, ws }) => ({ requestsSeconds: requests, webSocketsSeconds: ws }));

const hostsSchema = z
  .union([hostSchema, z.array(hostSchema)])
  .transform((hosts) => [...new Set(typeof hosts === 'string' ? [hosts] : hosts)]);

/** @see https://git-scm.com/docs/git-check-ref-format */
const gitBranch = z
  .string()
  .regex(
    /^(?![-/.])(?!.*(?:\.\.|\/\/|@\{|\/\.))[^\p{Cc} ~^:?*[\\]+(?<![/.])(?<!\.lock)$/u,
    'must be the name of a branch',
  );

/** A named public address. */
export const slotSchema = z
  .strictObject({
    branch: gitBranch.optional().describe('Its commits are promoted here.'),
    host: hostsSchema.prefault([]).describe('The host name that it answers for besides its own, or a list of them.'),
    standbys: z.int().min(0).max(20).default(1).describe('How many former heads are kept running behind it.'),
    bake: durationSchema()
      .prefault('0s')
      .describe('How long a new head is watched before the promotion counts as done.'),
    stages: stagesSchema
      .prefault([{ percent: 100 }])
      .describe('Shares of the traffic on the way to all of it: 10@5m,50@5m,100.'),
    env: envSchema.default({}).describe('Environment variables of all services, for this slot alone.'),
    secrets: secretsSchema.default({}).describe('Secrets of all services, for this slot alone.'),
    mechanism: z
      .enum(['router', 'dns'])
      .optional()
      .describe("How traffic moves. Left out: by the provider's router where it has one."),
    health: healthSchema.optional().describe("In place of the services' own checks, before and after traffic moves."),
    drain: drainSchema.prefault({}).describe('How a former head is let go.'),
  })
  .transform(({ host, bake, ...slot }) => ({
    ...slot,
    hosts: host,
    bakeSeconds: bake,
    ...(host[0] !== undefined && { host: host[0] }),
  }));

/** A slot with its defaults, in the units of the contract. */
export type SlotConfig = z.output<typeof slotSchema>;
