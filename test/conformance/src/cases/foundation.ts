import assert from 'node:assert/strict';
import { ProviderError, type Plan } from '@clusternator/core';
import type { Case } from '../kit/case.ts';
import { NotCapable } from '../kit/report.ts';
import { codeOf, must, type Trial } from '../kit/trial.ts';
import { kindsOf } from './cut-off.ts';

const drivers = ['foundation'] as const;

export const foundationCases: readonly Case[] = [
  {
    id: 'foundation/a-plan-writes-nothing',
    number: 5,
    title: 'The plan of a foundation says what would be made, and writes nothing',
    drivers,
    uses: ['wire'],
    async run(t) {
      const before = t.wire.mutations;
      const first = await planOf(t);
      assert.ok(
        first.changes.some(({ action }) => action === 'create'),
        'it creates something',
      );
      assert.equal(t.wire.mutations, before);
      await t.main.make('foundation', t.specs.foundation());
      assert.deepEqual((await planOf(t)).changes, [], 'what is there needs no change');
    },
  },
  {
    id: 'foundation/what-it-gives-it-takes',
    number: 8,
    title: 'What a foundation gives out is valid by its own schema, also after it was kept as JSON',
    drivers,
    async run(t) {
      const spec = t.specs.foundation();
      const made = await t.main.make('foundation', spec);
      assert.equal(made.phase, 'active', made.message);
      const { outputs } = await t.main.foundation();
      const kept = JSON.parse(JSON.stringify(must(made.outputs, 'outputs'))) as unknown;
      assert.deepEqual(outputs.parse(kept), outputs.parse(made.outputs));
      assert.deepEqual((await t.main.read('foundation', made))?.outputs, made.outputs, 'read again');
      assert.deepEqual(
        (await t.main.list('foundation')).map(({ id, phase }) => [id, phase]),
        [[spec.id, 'active']],
      );
    },
  },
  {
    id: 'foundation/no-change-no-write',
    number: 11,
    title: 'A foundation that is as asked is not written again, by whom and under whichever token',
    drivers,
    uses: ['wire'],
    async run(t) {
      const spec = t.specs.foundation();
      const made = await t.main.make('foundation', spec);
      const before = t.wire.mutations;
      await t.main.make('foundation', spec);
      await t.main.make('foundation', spec, { token: 'token-of-another-time' });
      const again = await t.tenant().make('foundation', spec);
      assert.equal(t.wire.mutations, before, 'mutating calls');
      assert.deepEqual(again.outputs, made.outputs);
    },
  },
  {
    id: 'foundation/destroy-twice',
    number: 12,
    title: 'To destroy a foundation that is gone succeeds',
    drivers,
    async run(t) {
      const made = await t.main.make('foundation', t.specs.foundation());
      await t.main.remove('foundation', made);
      await t.main.destroy('foundation', made);
      await t.tenant().destroy('foundation', { id: made.id });
      assert.equal(await t.main.read('foundation', { id: made.id }), undefined);
      assert.deepEqual(await t.main.list('foundation'), []);
    },
  },
  {
    id: 'foundation/what-ten-at-once-make-is-removed',
    number: 34,
    title: 'Whatever ten make who make a foundation at once, it is one, or is removed as one and made again',
    drivers,
    uses: ['inventory'],
    async run(t) {
      const spec = t.specs.foundation();
      const ten = Array.from({ length: 10 }, () => t.tenant().make('foundation', spec, { attempts: 1 }));
      // Core lets one at it, so a cloud that gives no names may tell the others to begin again.
      for (const one of await Promise.allSettled(ten)) {
        if (one.status === 'rejected') assert.ok(ProviderError.is(one.reason), String(one.reason));
      }
      const found = await t.main.list('foundation');
      assert.deepEqual(
        found.map(({ id }) => id),
        [spec.id],
      );
      await t.main.remove('foundation', spec);
      assert.deepEqual(await t.ground(), []);
      assert.equal((await t.main.make('foundation', spec)).phase, 'active');
    },
  },
  {
    id: 'foundation/what-was-removed-behind-our-back-is-made-again',
    number: 42,
    title: 'What somebody else removed of a foundation is missed, and made again',
    drivers,
    uses: ['remove', 'inventory'],
    async run(t) {
      const spec = t.specs.foundation();
      const made = await t.main.make('foundation', spec);
      const before = await kindsOf(t);
      await t.stranger.remove?.(t.target('foundation', spec.id));
      assert.notEqual((await t.main.read('foundation', made))?.phase, 'active', 'it is missed');
      assert.equal((await t.main.make('foundation', spec)).phase, 'active');
      assert.deepEqual(await kindsOf(t), before);
    },
  },
  {
    id: 'foundation/a-foreign-thing-of-the-same-name',
    number: 43,
    title: 'A foreign thing that has a name of the foundation is left as it is',
    drivers,
    uses: ['plant', 'remove'],
    async run(t) {
      const spec = t.specs.foundation();
      const target = t.target('foundation', spec.id);
      await t.stranger.plant?.(target);
      assert.equal(await codeOf(t.main.make('foundation', spec)), 'owned-by-other');
      assert.equal(await codeOf(t.main.destroy('foundation', spec)), 'owned-by-other');
      assert.equal(await t.stranger.isAsPlanted?.(target), true, 'it was changed');
      await t.stranger.remove?.(target);
      assert.equal((await t.main.make('foundation', spec)).phase, 'active', 'once it is out of the way');
    },
  },
  {
    id: 'foundation/two-projects-and-stages-never-see-each-other',
    number: 47,
    title: 'The foundations of two projects, and of two stages, never see each other',
    drivers,
    uses: ['inventory'],
    async run(t) {
      const others = [t.tenant('b'), t.tenant('', 'other')];
      const all = [t.main, ...others];
      const made = await Promise.all(all.map((one) => one.make('foundation', t.specsOf(one).foundation())));
      const before = await Promise.all(others.map((one) => kindsOf(t, one)));
      for (const one of all) assert.equal((await one.list('foundation')).length, 1);
      await t.main.remove('foundation', t.specs.foundation());
      assert.deepEqual(await t.ground(t.main), [], 'all of it is gone');
      assert.deepEqual(await Promise.all(others.map((one) => kindsOf(t, one))), before, 'and nothing of the others');
      for (const [at, one] of others.entries()) {
        const found = await one.read('foundation', t.specsOf(one).foundation());
        assert.deepEqual([found?.phase, found?.outputs], ['active', made[at + 1]?.outputs], found?.message);
      }
      assert.deepEqual(await t.main.list('foundation'), []);
    },
  },
  {
    id: 'foundation/nothing-is-left-of-it',
    number: 87,
    title: 'After its removal nothing that carries the tags of a foundation is left',
    drivers,
    uses: ['inventory'],
    async run(t) {
      const spec = t.specs.foundation();
      await t.main.make('foundation', spec);
      assert.ok((await t.ground()).length > 0, 'the account lists what a foundation consists of');
      await t.main.remove('foundation', spec);
      assert.deepEqual(await t.ground(), []);
    },
  },
];

async function planOf(t: Trial): Promise<Plan> {
  const driver = await t.main.foundation();
  if (!driver.plan) throw new NotCapable('its foundation has no plan');
  const spec = t.specs.foundation();
  const plan = await t.main.call('foundation.plan', spec.id, async (call) => driver.plan?.(spec, call));
  return must(plan, 'a plan');
}
