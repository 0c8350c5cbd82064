import { z } from 'zod';

const commitSchema = z.object({
  sha: z.string(),
  tree: z.string(),
  subject: z.string(),
  author: z.string(),
  committedAt: z.string(),
  ref: z.string().exactOptional(),
});

/** All that a process needs that goes on with a create. No secrets. */
export const createInputSchema = z.object({
  commit: commitSchema,
  /** The top of the user's repository. */
  repository: z.string(),
  configFile: z.string().exactOptional(),
  set: z.array(z.string()),
  provider: z.string().exactOptional(),
  /** `CLUSTERNATOR_*` that are laid over the config. */
  env: z.record(z.string(), z.string()),
  ttlSeconds: z.number().exactOptional(),
  /** Whose own environment is made after it. */
  slot: z.string().exactOptional(),
});
export type CreateInput = z.output<typeof createInputSchema>;
