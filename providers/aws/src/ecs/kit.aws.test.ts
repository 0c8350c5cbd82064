import { expect, test } from '@jest/globals';
import { runKit } from '@clusternator/conformance';
import ministack from './testing/ministack-kit-harness.ts';
import moto from './testing/moto-kit-harness.ts';

/**
 * With containers that take seconds each, these; that calls may be killed is seen in crash.aws.test.ts, without containers. What the kit
 * asks of services at work it asks of processes, which Fargate does not run: see live.aws.test.ts.
 */
const CASES = [
  'contract',
  'identity',
  'slot',
  'transport/a-failed-work-has-nothing-under-way',
  'concurrency/an-abort-in-flight-tells-the-truth',
  'hygiene/the-calls-of-each-verb-stay-within-their-floor',
];
/** What the harness does not do is seen in environments.aws.test.ts and slots.aws.test.ts. */
const NOT_RUN = [
  'contract/every-yes-is-exercised',
  'identity/what-was-removed-behind-our-back',
  'identity/a-foreign-thing-of-the-same-name',
  'identity/what-others-added-survives',
];

test.each([
  ['moto', moto],
  ['ministack', ministack],
])(
  'environments and slots pass the conformance kit on %s',
  async (_, harness) => {
    const { cases, totals } = await runKit(harness, { only: CASES });
    const failed = cases.filter(({ outcome }) => outcome === 'failed');
    expect(failed.map(({ id, error }) => ({ id, error }))).toEqual([]);
    const notRun = cases.filter(
      ({ outcome, note }) => outcome === 'not-run' && note !== 'the run was limited to others',
    );
    expect(notRun.map(({ id }) => id).sort()).toEqual(NOT_RUN.sort());
    const incapable = cases.filter(({ id, outcome }) => id.startsWith('slot/') && outcome === 'incapable');
    expect(incapable.map(({ id }) => id)).toEqual([
      'slot/all-parts-move-in-one-step',
      'slot/drift-is-seen-and-not-overwritten',
      'slot/an-older-end-spares-what-was-made-anew', // see slots.aws.test.ts
    ]);
    expect(totals.passed).toBeGreaterThan(14);
  },
  600_000,
);
