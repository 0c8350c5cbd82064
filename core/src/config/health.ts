import { z } from 'zod';
import type { HealthCheck } from '../environment/environment.ts';
import { durationSchema } from './fields.ts';

const STATUS = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/;

const statusSchema = z
  .union([
    z.int().min(100).max(599),
    z.string().regex(STATUS, 'must be a status such as 204 or a range such as 200-299'),
  ])
  .transform((status) => {
    const [, from = '', to = from] = STATUS.exec(String(status)) ?? [];
    return { from: Number(from), to: Number(to) };
  })
  .refine(({ from, to }) => from <= to, 'must go from the lower status to the higher');

const checkSchema = z.strictObject({
  path: z
    .string()
    .regex(/^\/[^\s#\\]*$/, 'must be a path that begins with /, such as /ready')
    .default('/')
    .describe('What is requested with GET.'),
  status: statusSchema.prefault('200-299').describe('The status that counts as healthy, or a range of them.'),
  every: durationSchema(0.1).prefault('1s').describe('The time between two requests.'),
  within: durationSchema(1).prefault('60s').describe('How long it may take from the start to become healthy.'),
  healthyAfter: z.int().min(1).max(100).default(1).describe('How many requests in a row have to pass.'),
});

/** A path alone, or a whole check. */
export const healthSchema = z.union([checkSchema.shape.path.unwrap(), checkSchema]).transform((check): HealthCheck => {
  const full = typeof check === 'string' ? checkSchema.parse({ path: check }) : check;
  return {
    path: full.path,
    statusFrom: full.status.from,
    statusTo: full.status.to,
    everySeconds: full.every,
    withinSeconds: full.within,
    healthyAfter: full.healthyAfter,
  };
});

/** Of a service that speaks HTTP and says nothing of its health. */
export const DEFAULT_HEALTH: HealthCheck = healthSchema.parse({});
