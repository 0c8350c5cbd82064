import { z } from 'zod';
import { slotNameProblem } from '../names/name.ts';
import { commandSchema, durationSchema, envSchema, hostSchema, nameSchema, secretsSchema } from './fields.ts';
import { healthSchema } from './health.ts';
import { isRising, splitStages, STAGES, upToAll, type Stage } from './stages.ts';

/** Of a slot. */
export const slotNameSchema = z.string().superRefine((name, context) => {
  const problem = slotNameProblem(name);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});

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
  .transform((stages) => (typeof stages === 'string' ? splitStages(stages) : upToAll(stages.map(toStage))))
  .refine(isRising, 'must rise from one stage to the next, up to 100');

function toStage({ percent, hold }: { percent: number; hold: number }): Stage {
  return { percent, holdSeconds: hold };
}

const drainSchema = z
  .strictObject({
    requests: durationSchema().prefault('30s').describe('How long requests in flight may take to end.'),
    ws: durationSchema().prefault('30s').describe('Over how long WebSockets are closed.'),
  })
  .transform(({ requests, ws }) => ({ requestsSeconds: requests, webSocketsSeconds: ws }));

const metricSchema = z
  .strictObject({
    name: z.string().min(1).max(100).optional().describe('What it is called in messages.'),
    url: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('Answers with a number, or with JSON. {slot}, {environment} and {commit} are filled in.'),
    command: commandSchema
      .optional()
      .describe('Prints a number, or JSON. CLUSTERNATOR_SLOT, _ENVIRONMENT and _COMMIT tell it what of.'),
    value: z
      .string()
      .regex(/^(\/[^/]+)*$/, 'must be a JSON pointer such as /data/errors')
      .optional()
      .describe('Where in the JSON the number is.'),
    max: z.number().optional().describe('More than this turns the promotion back.'),
    min: z.number().optional().describe('Less than this turns the promotion back.'),
    within: durationSchema(0.1).prefault('10s').describe('How long the answer may take.'),
  })
  .refine(({ url, command }) => (url === undefined) !== (command === undefined), 'needs either url or command')
  .refine(({ max, min }) => max !== undefined || min !== undefined, 'needs max or min, or both')
  .transform(({ within, ...metric }) => ({ ...metric, withinSeconds: within }));
/** A number that a new head is judged by while it bakes. One that does not come never passes. */
export type MetricConfig = z.output<typeof metricSchema>;

const migrateSchema = z
  .strictObject({
    service: nameSchema.describe('In whose instances the commands run.'),
    expand: commandSchema
      .optional()
      .describe(
        'Before traffic moves, in the new head: what both the old and the new version can live with. It may run again.',
      ),
    contract: commandSchema
      .optional()
      .describe(
        'Once it runs in the oldest environment that is kept: drops what that one does without. It may run again.',
      ),
    within: durationSchema(1).prefault('10m').describe('How long each may take.'),
    snapshot: z.boolean().default(true).describe('Take snapshots of the volumes before each.'),
  })
  .transform(({ within, ...migrate }) => ({ ...migrate, withinSeconds: within }));

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
    approval: durationSchema(1)
      .optional()
      .describe('Somebody has to approve each promotion, at most so long after it is ready for it.'),
    metrics: z.array(metricSchema).default([]).describe('Numbers that a new head is judged by while it bakes.'),
    migrate: migrateSchema.optional().describe('Commands that change the schema of data around a promotion.'),
  })
  .transform(({ host, bake, approval, ...slot }) => ({
    ...slot,
    ...(approval !== undefined && { approvalSeconds: approval }),
    hosts: host,
    bakeSeconds: bake,
    ...(host[0] !== undefined && { host: host[0] }),
  }));

/** A slot with its defaults, in the units of the contract. */
export type SlotConfig = z.output<typeof slotSchema>;
