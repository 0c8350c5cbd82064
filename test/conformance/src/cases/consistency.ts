import assert from 'node:assert/strict';
import type { Case } from '../kit/case.ts';
import { errorOf } from '../kit/trial.ts';

export const consistencyCases: readonly Case[] = [
  {
    id: 'consistency/a-stale-read-makes-no-duplicate',
    number: 27,
    title: 'A read that does not see yet what was made leads to no second one',
    drivers: ['environments'],
    uses: ['wire', 'inventory'],
    async run(t) {
      const spec = t.specs.environment('a1');
      await t.main.read('environments', spec); // absent, and remembered so
      const asOf = t.wire.calls.length;
      const made = await t.main.make('environments', spec);
      const before = (await t.things()).map(({ kind, name }) => `${kind} ${name}`).sort();
      const lift = t.wire.onReads({ kind: 'stale', asOf }, 1);
      await errorOf(t.main.ensure('environments', spec)); // it may say that it can't tell
      lift();
      assert.deepEqual((await t.things()).map(({ kind, name }) => `${kind} ${name}`).sort(), before);
      const again = await t.main.make('environments', spec);
      assert.deepEqual(again.handle, made.handle);
      assert.equal((await t.main.list('environments')).length, 1);
    },
  },
  {
    id: 'consistency/a-stale-list-resurrects-nothing',
    number: 28,
    title: 'A list that still shows what was removed brings nothing back',
    drivers: ['environments'],
    uses: ['wire', 'inventory'],
    async run(t) {
      const made = await t.environment('a1');
      await t.main.list('environments');
      const asOf = t.wire.calls.length;
      await t.main.remove('environments', made);
      const before = t.wire.mutations;
      t.wire.onReads({ kind: 'stale', asOf });
      await errorOf(t.main.list('environments'));
      t.wire.lift();
      assert.equal(t.wire.mutations, before, 'a list writes nothing');
      assert.deepEqual(await t.things(), []);
      assert.equal(await t.main.read('environments', made), undefined);
    },
  },
  {
    id: 'consistency/a-dependency-that-is-not-visible-yet-is-waited-for',
    number: 29,
    title: 'What was just made and is not visible yet is waited for, and not for ever',
    drivers: ['environments'],
    uses: ['wire', 'refusals'],
    async run(t) {
      t.clock.pace = 0.01;
      const last = t.wire.mutations + 1;
      const lift = t.wire.impose({
        when: ({ mutation }) => mutation !== undefined && mutation > last,
        fault: { kind: 'refuse', refusal: t.refusal('dependency'), after: false },
        times: 2,
      });
      assert.equal((await t.environment('a1')).phase, 'active');
      lift();
      t.wire.onMutations({ kind: 'refuse', refusal: t.refusal('dependency'), after: false });
      const before = t.wire.calls.length;
      const error = await errorOf(t.environment('a2'));
      assert.ok(error, 'it does not say that it was made');
      assert.ok(t.wire.calls.length - before < 200, `${String(t.wire.calls.length - before)} calls`);
    },
  },
  {
    id: 'consistency/what-is-gone-reads-as-absent',
    number: 30,
    title: 'A finished removal reads as absent, whatever name the cloud keeps',
    drivers: ['environments'],
    async run(t) {
      const made = await t.environment('a1');
      await t.main.remove('environments', made);
      assert.equal(await t.main.read('environments', made), undefined, 'by its handle');
      assert.equal(await t.main.read('environments', { id: 'a1' }), undefined, 'by its id');
      assert.deepEqual(await t.main.list('environments'), []);
      const again = await t.environment('a1');
      assert.equal(again.phase, 'active', 'its id can be taken again');
    },
  },
];
