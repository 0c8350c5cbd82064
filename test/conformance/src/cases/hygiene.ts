import assert from 'node:assert/strict';
import { canFor } from '@clusternator/core';
import type { Case } from '../kit/case.ts';
import { must, type Trial } from '../kit/trial.ts';

export const hygieneCases: readonly Case[] = [
  {
    id: 'hygiene/the-calls-of-each-verb-stay-within-their-floor',
    number: 88,
    title: 'The mutating calls of each verb stay within the declared floor',
    drivers: [],
    uses: ['wire', 'floors'],
    async run(t) {
      t.isCounting = true;
      await exerciseAll(t);
      t.isCounting = false;
      for (const [verb, calls] of t.counts) {
        const floor = (t.harness.floors as Readonly<Record<string, number>>)[verb] ?? 0; // by any name
        assert.ok(calls <= floor, `${verb} made ${String(calls)} mutating calls, and its floor is ${String(floor)}`);
      }
    },
  },
  {
    id: 'hygiene/the-permissions-are-those-that-are-used',
    number: 89,
    title: 'The declared permissions suffice, and none is unused',
    drivers: [],
    uses: ['wire', 'permissions'],
    async run(t) {
      await exerciseAll(t);
      const used = new Set(t.wire.calls.flatMap((call) => t.harness.permissionOf?.(call) ?? []));
      const declared = t.provider.permissions(t.main.config).map(({ action }) => action);
      assert.deepEqual(
        [...used].filter((action) => !declared.includes(action)),
        [],
        'used, and not declared',
      );
      assert.deepEqual(
        declared.filter((action) => !used.has(action)),
        [],
        'declared, and never used',
      );
    },
  },
];

/** After all others that make something. */
export const sweepCase: Case = {
  id: 'hygiene/nothing-is-left',
  number: 87,
  title: 'After the run nothing that carries its tags is left in the account',
  drivers: [],
  uses: ['inventory'],
  async run(t) {
    // Of a run that was limited to this case there would be nothing to find.
    await exerciseAll(t);
    await t.clean();
    const all = (await t.account.inventory?.()) ?? [];
    const left = all.filter(
      ({ tags, name }) => (tags?.clusternator_project ?? '').startsWith(t.runPrefix) || name.includes(t.runPrefix),
    );
    assert.deepEqual(
      left.map(({ kind, name }) => `${kind} ${name}`),
      [],
    );
  },
};

/** One of everything, made and removed. */
async function exerciseAll(t: Trial): Promise<void> {
  const { drivers } = t.provider;
  const { main, specs } = t;
  const foundation = drivers.foundation && (await main.make('foundation', specs.foundation()));
  const environment = drivers.environments && (await main.make('environments', specs.environment('a1')));
  if (environment) {
    await main.list('environments');
    const driver = await main.environments();
    await main.call('environments.health', 'a1', (call) => driver.health(environment, call));
    await main.call('environments.logs', 'a1', (call) =>
      Array.fromAsync(driver.logs(environment, { follow: false }, call)),
    );
    await main.call('environments.scale', 'a1', async (call) =>
      driver.scale?.(environment, { web: { min: 2, max: 2 } }, call),
    );
  }
  if (drivers.slots) {
    let slot = await main.make('slots', specs.slot('s1'));
    const driver = await main.slots();
    if (environment) {
      const { handle } = environment;
      slot = await main.call('slots.route', 's1', (call) => driver.route(slot, [{ handle, percent: 100 }], 'e1', call));
    }
    await main.list('slots');
    await main.remove('slots', slot);
  }
  if (environment) await main.remove('environments', environment);
  if (drivers.storage) await exerciseStorage(t);
  if (drivers.dns && t.account.zone !== undefined) await exerciseDns(t);
  if (drivers.state) await exerciseState(t);
  if (foundation) {
    await main.read('foundation', foundation);
    await main.remove('foundation', foundation);
  }
}

async function exerciseStorage({ main, specs, capabilities }: Trial): Promise<void> {
  const volume = await main.make('volumes', specs.volume('v1'));
  if (canFor(capabilities, 'storage.snapshots', volume.kind)) {
    const snapshot = await main.make('snapshots', specs.snapshot('p1', volume));
    await main.list('snapshots');
    await main.remove('snapshots', snapshot);
  }
  await main.list('volumes');
  await main.remove('volumes', volume);
}

async function exerciseDns(t: Trial): Promise<void> {
  const [dns, zone] = [await t.main.dns(), await t.zone()];
  const set = { name: t.recordName('all'), type: 'A', ttlSeconds: 60, values: ['192.0.2.1'] } as const;
  await t.main.call('dns.change', 'add', (call) => dns.change(zone, [{ expected: null, next: set }], call));
  await t.main.call('dns.records', 'all', (call) => Array.fromAsync(dns.records(zone, { name: set.name }, call)));
  await t.main.call('dns.change', 'remove', (call) => dns.change(zone, [{ expected: set, next: null }], call));
}

async function exerciseState({ main }: Trial): Promise<void> {
  const state = await main.state();
  const key = `${main.owner.project}/all`;
  await main.call('state.put', key, (call) => state.put(key, '1', null, call));
  const found = await main.call('state.get', key, (call) => state.get(key, call));
  await main.call('state.list', key, (call) => Array.fromAsync(state.list(key, call)));
  await main.call('state.delete', key, (call) => state.delete(key, must(found, 'the document').revision, call));
}
