import { ProviderError, type NativeSettings } from '@clusternator/core/provider';
import { z } from 'zod';

const request = z.record(z.string(), z.unknown()).optional();

/** A service's `native:`, by the request that each block is laid over, as AWS spells them. */
const nativeSchema = z.strictObject({
  launchTemplate: request.describe('the LaunchTemplateData of CreateLaunchTemplate'),
  group: request.describe('CreateAutoScalingGroup'),
  targetGroup: request.describe('CreateTargetGroup'),
});

export type MachineNative = z.output<typeof nativeSchema>;

/** @throws ProviderError `invalid`, naming the block that is none. */
export function machineNative(service: string, native: NativeSettings | undefined): MachineNative {
  const parsed = nativeSchema.safeParse(native ?? {});
  if (parsed.success) return parsed.data;
  throw new ProviderError('invalid', `service ${service}: ${z.prettifyError(parsed.error)}`, {
    path: `services.${service}.native`,
    hint: 'of a service that runs a command the blocks are launchTemplate, group and targetGroup, each laid over that request',
  });
}
