import { z } from 'zod';

const stageSchema = z.object({ percent: z.number(), holdSeconds: z.number() });

/** All that a process needs that goes on with a promotion, beside the slot's own document. No secrets. */
export const promoteInputSchema = z.object({
  slot: z.string(),
  /** The environment that was asked for: by its commit's config the slot goes. */
  environment: z.string(),
  /** Where traffic goes: the same, or the slot's own of the same artefacts. */
  to: z.string(),
  by: z.string(),
  reason: z.string().exactOptional(),
  automatic: z.boolean(),
  bakeSeconds: z.number().exactOptional(),
  stages: z.array(stageSchema).exactOptional(),
});
export type PromoteInput = z.output<typeof promoteInputSchema>;

/** Of a rollback: the slot's document says the rest. */
export const rollbackInputSchema = z.object({
  slot: z.string(),
  by: z.string(),
  reason: z.string().exactOptional(),
});
export type RollbackInput = z.output<typeof rollbackInputSchema>;

/** Of a slot's own environment that is made ahead. */
export const boundInputSchema = z.strictObject({
  source: z.string(),
  slot: z.string(),
  ttlSeconds: z.number().exactOptional(),
});
export type BoundInput = z.output<typeof boundInputSchema>;
