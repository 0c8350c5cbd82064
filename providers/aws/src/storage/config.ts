import { z } from 'zod';
import { configSchema } from '../config.ts';

/** The provider's config with the keys that volumes go by. */
export const storageConfigSchema = configSchema.extend({
  databaseClass: z
    .string()
    .regex(/^db\.[a-z0-9-]+\.[a-z0-9]+$/, 'must be an instance class such as db.t4g.micro')
    .default('db.t4g.micro')
    .describe('Of databases: the instance class that they run on.'),
  databaseBackupDays: z
    .int()
    .min(0)
    .max(35)
    .default(7)
    .describe('Of databases: the days that RDS can go back to any moment of. 0: none.'),
});

export type StorageConfig = z.output<typeof storageConfigSchema>;
