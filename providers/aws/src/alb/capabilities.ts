import type { FoundationConfig } from '../foundation/config.ts';
import { no, yes, type Capabilities } from '@clusternator/core/provider';

/** A rule takes five, of which one is ours. */
const MOST_HOSTS = 4;

/** What rules of a load balancer can do. A target group belongs to one. */
export const slotCapabilities = ({ loadBalancers = 1 }: Pick<FoundationConfig, 'loadBalancers'>): Capabilities => ({
  'slots.router': yes(),
  'slots.shared':
    loadBalancers > 1 ? no('with several load balancers a slot leads to what is behind its own alone') : yes(),
  'slots.atomic': no('each public part has a rule of its own, and they are written side by side'),
  'slots.compareAndSet': no('a rule is changed without a condition'),
  'slots.weights': yes({ limit: 1 }),
  'slots.hosts': yes({ limit: MOST_HOSTS, note: 'each with a certificate of its own, where the stage has a domain' }),
  'slots.webSockets': no('the load balancer keeps them until they end'),
});
