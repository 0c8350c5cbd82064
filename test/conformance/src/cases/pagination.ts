import assert from 'node:assert/strict';
import type { Case } from '../kit/case.ts';
import type { Tenant } from '../kit/tenant.ts';
import type { Trial } from '../kit/trial.ts';

const UNPAGED = 3;

export const paginationCases: readonly Case[] = [
  {
    id: 'pagination/more-than-three-pages',
    number: 31,
    title: 'A list goes over all of its pages',
    drivers: ['slots'],
    needs: ['slots.router'],
    async run(t) {
      const wanted = await slots(t, t.main, 3 * pageOf(t) + 1);
      assert.deepEqual(await idsOf(t.main), wanted);
    },
  },
  {
    id: 'pagination/an-empty-page-in-the-middle',
    number: 32,
    title: 'An empty page is not the last one',
    drivers: ['slots'],
    needs: ['slots.router'],
    async run(t) {
      const neighbour = t.tenant('b');
      const first = await slots(t, t.main, 1, 'x');
      // A cloud that cuts pages before it filters has at least one with nothing of ours on it now.
      await slots(t, neighbour, 2 * pageOf(t));
      const last = await slots(t, t.main, 1, 'z');
      assert.deepEqual(await idsOf(t.main), [...first, ...last]);
    },
  },
  {
    id: 'pagination/changes-between-the-pages',
    number: 33,
    title: 'What changes between two pages costs nothing that was there throughout, and shows nothing twice',
    drivers: ['slots'],
    needs: ['slots.router'],
    async run(t) {
      const wanted = await slots(t, t.main, 3 * pageOf(t));
      const driver = await t.main.slots();
      const seen = await t.main.call('slots.list', 'with changes', async (call) => {
        const ids: string[] = [];
        for await (const { id } of driver.list(call)) {
          ids.push(id);
          if (ids.length !== 1) continue;
          await t.main.remove('slots', { id });
          await slots(t, t.main, 1, 'new');
        }
        return ids;
      });
      assert.equal(new Set(seen).size, seen.length, 'each once');
      const throughout = wanted.filter((id) => id !== seen[0]);
      assert.deepEqual(
        throughout.filter((id) => !seen.includes(id)),
        [],
        'lost',
      );
    },
  },
];

function pageOf(t: Trial): number {
  return t.harness.pageSize ?? UNPAGED;
}

async function slots(t: Trial, tenant: Tenant, count: number, prefix = 's'): Promise<readonly string[]> {
  const ids = Array.from({ length: count }, (_, at) => `${prefix}${String(at).padStart(4, '0')}`);
  const specs = t.specsOf(tenant);
  for (const id of ids) await tenant.make('slots', specs.slot(id));
  return ids;
}

async function idsOf(tenant: Tenant): Promise<readonly string[]> {
  return (await tenant.list('slots')).map(({ id }) => id).sort();
}
