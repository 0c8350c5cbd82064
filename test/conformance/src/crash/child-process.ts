import process from 'node:process';
import { Artefacts } from '../kit/apps.ts';
import { KitClock } from '../kit/clock.ts';
import { isHarness } from '../kit/load-harness.ts';
import { Tenant } from '../kit/tenant.ts';
import { doJob } from './job.ts';
import type { Order } from './lab.ts';

/** A process that is made to be killed. It tells once it is ready for its order, and once it has carried it out. */
process.once('message', (order: Order) => {
  void obey(order).then(
    () => process.send?.({ state: 'done' }),
    (error: unknown) =>
      process.send?.({ state: 'failed', message: error instanceof Error ? error.message : String(error) }),
  );
});
process.once('disconnect', () => {
  process.exit(); // whoever started it is gone
});
process.send?.({ state: 'ready' });

async function obey({ module, account, owner, artefacts, secrets, settleSeconds, job }: Order): Promise<void> {
  const imported: unknown = await import(module);
  const harness =
    typeof imported === 'object' && imported !== null && 'default' in imported ? imported.default : undefined;
  if (!isHarness(harness)) throw new Error(`${module} has no harness as its default export`);
  const { provider } = harness;
  const clock = new KitClock();
  const parts = { provider, account, owner, clock, secrets, settleSeconds, told: [] };
  await doJob(new Tenant({ ...parts, artefacts: new Artefacts(artefacts) }), job);
}
