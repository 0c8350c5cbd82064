import { expect, test } from '@jest/globals';
import { reportText, runKit } from '@clusternator/conformance';
import harness from './testing/conformance-harness.ts';

test('the local provider fails no case of the conformance kit', async () => {
  const report = await runKit(harness);
  const failed = report.cases.filter(({ outcome }) => outcome === 'failed');
  expect(failed.map(({ id, error }) => ({ id, error }))).toEqual([]);
  expect(reportText(report)).toContain('provider local');
}, 600_000);
