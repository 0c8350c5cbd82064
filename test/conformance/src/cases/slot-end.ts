import assert from 'node:assert/strict';
import type { Case } from '../kit/case.ts';
import { codeOf, must } from '../kit/trial.ts';
import { base, flip, scene } from './slot.ts';

/** What is left of a slot that is destroyed. */
export const slotEndCases: readonly Case[] = [
  {
    ...base,
    id: 'slot/ends-with-its-routes',
    number: 57,
    title: 'A slot that is destroyed answers no more, whatever it routed to; the environments stay, and can go then',
    async run(t) {
      const { slot, made, url } = await scene(t, ['a1']);
      const head = must(made[0], 'a head');
      const routed = await flip(t, slot, head);
      await t.main.remove('slots', routed);
      assert.deepEqual(
        [await t.main.read('slots', { id: 's1' }), (await t.main.list('slots')).map(({ id }) => id)],
        [undefined, []],
      );
      await t.until(
        'it answers no more',
        () => t.get(url),
        ({ text }) => text !== 'a1',
      );
      assert.equal((await t.main.read('environments', head))?.phase, 'active');
      const anew = await t.main.make('slots', t.specs.slot('s1'));
      assert.deepEqual(anew.routes, [], 'made anew, it leads nowhere');
      await t.main.remove('environments', head);
    },
  },
  {
    ...base,
    id: 'slot/an-older-end-spares-what-was-made-anew',
    number: 57,
    title: 'Of a slot that was made anew, nothing goes where the one is destroyed that was read before',
    needs: [...base.needs, 'slots.compareAndSet'],
    async run(t) {
      const { slot, made, url } = await scene(t, ['a1', 'a2']);
      const [first, second] = made.map((one) => must(one, 'an environment'));
      const former = await flip(t, slot, must(first, 'a head'));
      await t.main.remove('slots', { id: 's1' });
      await flip(t, await t.main.make('slots', t.specs.slot('s1')), must(second, 'a head'), 'e2');
      assert.equal(await codeOf(t.main.destroy('slots', former)), 'conflict');
      assert.equal((await t.get(url)).text, 'a2');
    },
  },
];
