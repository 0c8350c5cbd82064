import assert from 'node:assert/strict';
import type { Case } from '../kit/case.ts';
import { must, type Trial } from '../kit/trial.ts';
import { isMutation } from '../proxy/wire.ts';

/** Of all mutating calls but the one that breaks off. */
const DELAY_SECONDS = 0.1;

const parts = { web: '/', api: '/api' };

/** Who is told of a failure writes next what comes of it: a write of before that arrives after that one undoes it. */
export const underWayCases: readonly Case[] = [
  {
    drivers: ['environments'],
    uses: ['wire'],
    needs: ['environments.paths'],
    id: 'transport/a-failed-work-has-nothing-under-way',
    number: 22,
    title: 'Once the making or the end of an environment has failed, none of its calls is under way',
    async run(t) {
      const spec = (nth: number) => t.specs.environment(`a${String(nth)}`, t.specs.parts('a', parts));
      const made = await brokenOff(t, (nth) => t.main.ensure('environments', spec(nth)));
      for (let nth = 1; nth <= made; nth++) await t.main.make('environments', spec(nth));
      await brokenOff(t, (nth) => t.main.destroy('environments', spec(Math.min(nth, made))));
    },
  },
  {
    drivers: ['environments', 'slots'],
    uses: ['wire'],
    needs: ['slots.router', 'slots.shared', 'environments.paths'],
    id: 'slot/a-failed-flip-has-nothing-under-way',
    number: 22,
    title: 'Once a flip has failed, none of its calls is under way',
    async run(t) {
      const all = await Promise.all(['a1', 'a2'].map((id) => t.environment(id, t.specs.parts(id, parts))));
      const slot = await t.main.make('slots', t.specs.slot('s1', { parts }));
      const driver = await t.main.slots();
      await brokenOff(t, (nth) => {
        const { handle } = must(all[nth % 2], 'an environment');
        const stamp = `e${String(nth)}`;
        return t.main.call('slots.route', `s1 ${stamp}`, (call) =>
          driver.route(slot, [{ handle, percent: 100 }], stamp, call),
        );
      });
    },
  },
];

/**
 * Does a work over and over, and breaks off another of its mutating calls each time, while all others take their time.
 * @returns How often: once more than it has such calls.
 */
async function brokenOff(t: Trial, work: (nth: number) => Promise<unknown>): Promise<number> {
  for (let nth = 1; ; nth++) {
    const target = t.wire.mutations + nth;
    let arrived = 0;
    t.wire.impose({ when: ({ mutation }) => mutation === target, fault: { kind: 'reset', after: false }, times: 1 });
    t.wire.impose({
      when(call) {
        const isLate = isMutation(call);
        if (isLate) arrived = performance.now();
        return isLate;
      },
      fault: { kind: 'delay', seconds: DELAY_SECONDS },
    });
    const failure: unknown = await work(nth).then(
      () => undefined,
      (error: unknown) => error,
    );
    const isAnswered = performance.now() - arrived >= DELAY_SECONDS * 1000 - 1;
    t.wire.lift();
    await t.wire.idle();
    assert.ok(failure === undefined || isAnswered, `call ${String(nth)} broke off, and another was under way`);
    if (t.wire.mutations < target) return nth;
  }
}
