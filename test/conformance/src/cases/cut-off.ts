import assert from 'node:assert/strict';
import { cutOffAtEveryCall } from '../crash/cut-off.ts';
import type { Moment } from '../crash/lab.ts';
import type { Case } from '../kit/case.ts';
import type { Trial } from '../kit/trial.ts';

const base = { drivers: ['foundation'], uses: ['wire', 'inventory'] } as const;

/** What dies of a foundation is what was cut off from its cloud: it has some fifty calls, and a process for each moment of each takes minutes. */
export const cutOffCases: readonly Case[] = [
  {
    ...base,
    id: 'foundation/cut-off-before-a-call-is-sent',
    number: 14,
    title: 'Cut off before any of its mutating calls, the next that makes the foundation finishes the same work',
    run: (t) => makingIsCutOff(t, 'before'),
  },
  {
    ...base,
    id: 'foundation/cut-off-after-a-call-is-applied',
    number: 15,
    title: 'Cut off after any of its mutating calls was applied and before the answer, the next finishes the same work',
    run: (t) => makingIsCutOff(t, 'after'),
  },
  {
    ...base,
    id: 'foundation/cut-off-after-an-answer',
    number: 16,
    title: 'Cut off after the answer to any of its mutating calls, the next finishes the same work',
    run: (t) => makingIsCutOff(t, 'answered'),
  },
  {
    ...base,
    id: 'foundation/cut-off-in-a-removal',
    number: 19,
    title: 'Cut off at any moment of its removal, the next removes the whole foundation',
    async run(t) {
      const spec = t.specs.foundation();
      for (const moment of ['before', 'after', 'answered'] as const) {
        await t.main.make('foundation', spec);
        const cuts = await cutOffAtEveryCall(t, moment, (by, options) => by.remove('foundation', spec, options));
        assert.ok(cuts.length > 0, 'a removal changes something');
        assert.deepEqual(await t.ground(), [], `cut off ${moment} each of its calls`);
      }
    },
  },
];

async function makingIsCutOff(t: Trial, moment: Moment): Promise<void> {
  const spec = t.specs.foundation();
  const before = t.wire.mutations;
  const whole = await t.main.make('foundation', spec);
  const calls = t.wire.mutations - before;
  const kinds = await kindsOf(t);
  await t.main.remove('foundation', spec);
  const cuts = await cutOffAtEveryCall(t, moment, (by, options) => by.make('foundation', spec, options));
  assert.ok(cuts.length >= calls, `cut off at ${String(cuts.length)} of ${String(calls)} calls`);
  const made = await t.main.read('foundation', spec);
  assert.deepEqual(
    [made?.phase, made?.fingerprint, made?.tags],
    [whole.phase, whole.fingerprint, whole.tags],
    'it is as without a cut',
  );
  assert.deepEqual(await kindsOf(t), kinds, 'one of everything');
}

/** How many things of each kind there are of it. */
export async function kindsOf(t: Trial, of = t.main): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (const { kind } of await t.ground(of)) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}
