import { yes, type Capabilities } from '@clusternator/core/provider';

/** What machines add to containers. */
export const machineCapabilities = {
  'environments.processes': yes({
    note: 'public ones, on EC2, in an environment that has no image beside them',
  }),
  'environments.exec': yes({
    note: 'in containers whose image has a shell, by ECS Exec, as root; on machines by Session Manager, as the service',
  }),
} as const satisfies Capabilities;
