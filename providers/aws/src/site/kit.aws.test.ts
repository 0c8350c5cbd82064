import { expect, test } from '@jest/globals';
import { runKit } from '@clusternator/conformance';
import harness from './testing/kit-harness.ts';

const GROUPS = [
  'contract',
  'idempotency',
  'crash',
  'transport',
  'consistency',
  'pagination',
  'concurrency',
  'identity',
  'environment',
  'slot',
  'hygiene',
];
/** What the harness does not do is seen in environments.aws.test.ts, slots.aws.test.ts and permissions.aws.test.ts. */
const NOT_RUN = [
  'contract/the-wrong-escape-hatch-is-undefined',
  'contract/a-secret-is-told-to-nobody',
  'idempotency/destroy-during-create',
  'crash/killed-in-the-middle-of-a-wait',
  'consistency/a-dependency-that-is-not-visible-yet-is-waited-for',
  'concurrency/a-neighbours-change-is-no-lost-race',
  'identity/what-was-removed-behind-our-back',
  'identity/a-foreign-thing-of-the-same-name',
  'identity/what-others-added-survives',
  'environment/a-site-is-served-from-its-files',
  'slot/drift-is-seen-and-not-overwritten',
  'slot/long-requests-finish-on-the-old-head',
  'hygiene/the-permissions-are-those-that-are-used',
];

test('sites pass the conformance kit on MiniStack', async () => {
  const { cases } = await runKit(harness, { only: GROUPS });
  const failed = cases.filter(({ outcome }) => outcome === 'failed');
  expect(failed.map(({ id, error }) => ({ id, error }))).toEqual([]);
  const notRun = cases.filter(({ group, outcome }) => GROUPS.includes(group) && outcome === 'not-run');
  expect(notRun.map(({ id }) => id)).toEqual(NOT_RUN);
}, 600_000);
