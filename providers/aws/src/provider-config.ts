import type { z } from 'zod';
import { machineConfigSchema } from './ec2/config.ts';
import { foundationConfigSchema } from './foundation/config.ts';
import { storageConfigSchema } from './storage/config.ts';

/** All keys beside `name: aws`. */
export const providerConfigSchema = storageConfigSchema
  .extend(foundationConfigSchema.shape)
  .extend(machineConfigSchema.shape);

export type ProviderConfig = z.output<typeof providerConfigSchema>;
