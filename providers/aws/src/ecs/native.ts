import { ProviderError, type NativeSettings } from '@clusternator/core/provider';
import { z } from 'zod';

const request = z.record(z.string(), z.unknown()).optional();

/** A service's `native:`, by the request that each block is laid over, as ECS and ELB spell them. `container` is the service's own. */
const nativeSchema = z.strictObject({
  taskDefinition: request.describe('RegisterTaskDefinition'),
  container: request.describe('its ContainerDefinition'),
  service: request.describe('CreateService'),
  targetGroup: request.describe('CreateTargetGroup'),
});

export type ServiceNative = z.output<typeof nativeSchema>;

/** @throws ProviderError `invalid`, naming the block that is none. */
export function serviceNative(service: string, native: NativeSettings | undefined): ServiceNative {
  const parsed = nativeSchema.safeParse(native ?? {});
  if (parsed.success) return parsed.data;
  throw new ProviderError('invalid', `service ${service}: ${z.prettifyError(parsed.error)}`, {
    path: `services.${service}.native`,
    hint: 'its blocks are taskDefinition, container, service and targetGroup, each laid over that request',
  });
}
