import { describe, expect, test } from '@jest/globals';
import { CASES } from '../cases/all.ts';
import { runKit } from '../kit/run.ts';
import { MUTANTS } from './all.ts';
import { harnessOfMutant } from './harness.ts';

describe('wrong providers', () => {
  test('every case catches at least one of them', () => {
    const caught = new Set<string>(MUTANTS.flatMap(({ caughtBy }) => caughtBy));
    expect(CASES.map(({ id }) => id).filter((id) => !caught.has(id))).toEqual([]);
  });

  test('every one is caught by cases that there are', () => {
    const known = new Set<string>(CASES.map(({ id }) => id));
    for (const { id, caughtBy } of MUTANTS) {
      expect({ id, unknown: caughtBy.filter((one) => !known.has(one)) }).toEqual({ id, unknown: [] });
      expect(caughtBy.length).toBeGreaterThan(0);
    }
  });

  test.each(MUTANTS)('$id: a provider that $says', async (mutant) => {
    const report = await runKit(harnessOfMutant(mutant), { only: mutant.caughtBy });
    const missed = report.cases.filter(
      ({ id, outcome }) => mutant.caughtBy.some((one) => one === id) && outcome !== 'failed',
    );
    expect(missed.map(({ id, outcome, note }) => ({ id, outcome, note }))).toEqual([]);
  });
});
