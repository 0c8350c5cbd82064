import { expect, test } from '@jest/globals';
import { runKit } from '@clusternator/conformance';
import ministack from './testing/ministack-kit-harness.ts';
import moto from './testing/moto-kit-harness.ts';

/** Cut off from moto at every call it is in crash.aws.test.ts; the kit does it on MiniStack, which answers four times as fast. */
const ON_MOTO = [
  'foundation/a-plan-writes-nothing',
  'foundation/no-change-no-write',
  'foundation/what-was-removed-behind-our-back-is-made-again',
  'foundation/a-foreign-thing-of-the-same-name',
  'foundation/an-unreadable-answer-is-not-absence',
  'foundation/nothing-is-left-of-it',
];

test.each([
  ['moto', moto, ON_MOTO],
  ['ministack', ministack, ['foundation', 'hygiene']],
])(
  'foundations of containers pass the conformance kit on %s',
  async (_, harness, only) => {
    const { cases } = await runKit(harness, { only });
    const failed = cases.filter(({ outcome }) => outcome === 'failed');
    expect(failed.map(({ id, error }) => ({ id, error }))).toEqual([]);
    const wanted = cases.filter(({ id, group }) => only.includes(id) || only.includes(group));
    const others = wanted.filter(({ outcome }) => outcome !== 'passed');
    // Which permission a call needs is seen in permissions.aws.test.ts, on a moto that looks at policies.
    const known = only === ON_MOTO ? [] : ['hygiene/the-permissions-are-those-that-are-used'];
    expect(others.map(({ id }) => id)).toEqual(known);
  },
  600_000,
);
