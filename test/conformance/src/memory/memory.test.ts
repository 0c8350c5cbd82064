import { expect, test } from '@jest/globals';
import { runKit } from '../kit/run.ts';
import memoryHarness from './harness.ts';

test('the memory provider passes everything', async () => {
  const report = await runKit(memoryHarness);
  expect(report.cases.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
  expect(report.passed).toBe(true);
}, 600_000);
