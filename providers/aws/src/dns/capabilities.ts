import { yes, type Capabilities } from '@clusternator/core/provider';

/** What there is of DNS on Route 53. */
export const dnsCapabilities: Capabilities = {
  'dns.atomic': yes({ limit: 500, note: 'a batch has 1,000 records and 32,000 characters of values' }),
  'dns.compareAndSet': yes(),
  'dns.alias': yes({ note: 'to a name of the same zone, or to a load balancer of the account' }),
  'dns.zones': yes({ note: "a hosted zone costs a little each month; for a foundation's domain alone" }),
};
