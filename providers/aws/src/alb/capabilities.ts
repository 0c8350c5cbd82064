import { no, yes, type Capabilities } from '@clusternator/core/provider';

/** What rules of a load balancer can do. */
export const slotCapabilities: Capabilities = {
  'slots.router': yes(),
  'slots.shared': yes(),
  'slots.atomic': no('each public part has a rule of its own, and they are written side by side'),
  'slots.compareAndSet': no('a rule is changed without a condition'),
  'slots.weights': yes({ limit: 1 }),
  'slots.hosts': no('certificates of names outside of the domain are not made'),
  'slots.webSockets': no('the load balancer keeps them until they end'),
};
