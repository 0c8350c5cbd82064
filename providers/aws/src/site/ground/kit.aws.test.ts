import { expect, test } from '@jest/globals';
import { runKit } from '@clusternator/conformance';
import harness from '../testing/ground-kit-harness.ts';

test('foundations of sites pass the conformance kit on MiniStack', async () => {
  const only = ['foundation', 'hygiene'];
  const { cases } = await runKit(harness, { only });
  const wanted = cases.filter(({ group }) => only.includes(group));
  const others = wanted.filter(({ outcome }) => outcome !== 'passed');
  expect(others.map(({ id, outcome, error }) => ({ id, outcome, ...(error !== undefined && { error }) }))).toEqual([
    // See permissions.aws.test.ts.
    { id: 'hygiene/the-permissions-are-those-that-are-used', outcome: 'not-run' },
  ]);
}, 300_000);
