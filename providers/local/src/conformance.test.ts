import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { reportText, runKit, type Report } from '@clusternator/conformance';
import harness from './testing/conformance-harness.ts';

test('the local provider fails no case of the conformance kit', async () => {
  const report = await runKit(harness);
  const failed = report.cases.filter(({ outcome }) => outcome === 'failed');
  expect(failed.map(({ id, error }) => ({ id, error }))).toEqual([]);
  expect(reportText(report)).toContain('provider local');
  // `scripts/report.mjs` writes it again.
  const shipped = JSON.parse(
    readFileSync(path.resolve(import.meta.dirname, '..', 'conformance.json'), 'utf8'),
  ) as Report; // by this very package
  expect(outcomes(shipped)).toEqual(outcomes(report));
}, 600_000);

const outcomes = ({ cases }: Report): readonly (readonly [string, string])[] =>
  cases.map(({ id, outcome }) => [id, outcome]);
