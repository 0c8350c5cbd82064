import { yes, type Capabilities } from '@clusternator/core/provider';

/** What machines add to containers. */
export const machineCapabilities = {
  'environments.processes': yes({
    note: 'public ones, on EC2, in an environment that has no image beside them',
  }),
} as const satisfies Capabilities;
