import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { randomOf, Simulation } from './testing/simulation.ts';

const STEPS = Number(process.env.CLUSTERNATOR_SIMULATION_STEPS ?? 600);
const RUNS = Number(process.env.CLUSTERNATOR_SIMULATION_RUNS ?? 20);

/** To replay: CLUSTERNATOR_SIMULATION_SEED=<seed>, as the failure prints it. */
const seeds = process.env.CLUSTERNATOR_SIMULATION_SEED
  ? fc.constant(Number(process.env.CLUSTERNATOR_SIMULATION_SEED))
  : fc.noShrink(fc.nat({ max: 2 ** 31 }));

/** By what protects the router's routes. Most clouds compare a version. */
test.each([
  ['version', 'no disks', RUNS],
  ['version', 'disks', Math.ceil(RUNS / 2)],
  ['value', 'no disks', Math.ceil(RUNS / 4)],
  ['blind', 'no disks', Math.ceil(RUNS / 4)],
] as const)(
  'whatever processes do at the same time, and however they end, slots hold what they promise: %s, %s',
  async (kind, data, numRuns) => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const { problems, history } = await new Simulation(randomOf(seed), kind, data).run(STEPS);
        if (problems.length > 0)
          throw new Error(`seed ${String(seed)}: ${problems.join('\n')}\n${history.slice(-60).join('\n')}`);
      }),
      { numRuns, endOnFailure: true },
    );
    expect.assertions(0);
  },
);
