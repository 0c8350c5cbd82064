import type { RecordChange, Route, Slot, Zone } from '@clusternator/core';
import type { Tenant, Kind, Kinds } from '../kit/tenant.ts';

/** What a process that may be killed is to do. Plain data. */
export type Job =
  | { readonly verb: 'make'; readonly kind: Kind; readonly spec: Kinds[Kind]['spec']; readonly token: string }
  | { readonly verb: 'remove'; readonly kind: Kind; readonly id: string; readonly token: string }
  | {
      readonly verb: 'route';
      readonly slot: Slot;
      readonly routes: readonly Route[];
      readonly stamp: string;
      readonly token: string;
    }
  | { readonly verb: 'change'; readonly zone: Zone; readonly changes: readonly RecordChange[]; readonly token: string }
  | { readonly verb: 'put'; readonly key: string; readonly value: string; readonly token: string };

/** Does it, or does the same again after a process died over it. */
export async function doJob(tenant: Tenant, job: Job): Promise<void> {
  const { token } = job;
  switch (job.verb) {
    case 'make':
      await tenant.make(job.kind, job.spec, { token });
      return;
    case 'remove':
      await tenant.remove(job.kind, { id: job.id }, { token });
      return;
    case 'route': {
      const slots = await tenant.slots();
      await tenant.call('slots.route', job.slot.id, (call) => slots.route(job.slot, job.routes, job.stamp, call), {
        token,
      });
      return;
    }
    case 'change': {
      const dns = await tenant.dns();
      await tenant.call('dns.change', job.zone.name, (call) => dns.change(job.zone, job.changes, call), { token });
      return;
    }
    case 'put': {
      const state = await tenant.state();
      await tenant.call('state.put', job.key, (call) => state.put(job.key, job.value, null, call), { token });
    }
  }
}
