import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { randomOf, Simulation } from './testing/simulation.ts';

const STEPS = Number(process.env.CLUSTERNATOR_SIMULATION_STEPS ?? 600);
const RUNS = Number(process.env.CLUSTERNATOR_SIMULATION_RUNS ?? 20);

/** To replay: CLUSTERNATOR_SIMULATION_SEED=<seed>, as the failure prints it. */
const seeds = process.env.CLUSTERNATOR_SIMULATION_SEED
  ? fc.constant(Number(process.env.CLUSTERNATOR_SIMULATION_SEED))
  : fc.noShrink(fc.nat({ max: 2 ** 31 }));

test('whatever processes do at the same time, and however they end, slots hold what they promise', async () => {
  await fc.assert(
    fc.asyncProperty(seeds, async (seed) => {
      const { problems, history } = await new Simulation(randomOf(seed)).run(STEPS);
      if (problems.length > 0)
        throw new Error(`seed ${String(seed)}: ${problems.join('\n')}\n${history.slice(-60).join('\n')}`);
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
  expect.assertions(0);
});
