import { z } from 'zod';

/** A `ProcessIdentity` as documents keep it. */
export const processSchema = z.strictObject({
  machine: z.string(),
  boot: z.string(),
  pidNamespace: z.string(),
  pid: z.int(),
  started: z.string(),
  user: z.string(),
  host: z.string(),
});
