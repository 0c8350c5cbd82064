import { harnessOf } from '../memory/harness.ts';
import type { Harness } from '../kit/harness.ts';
import { MUTANTS } from './all.ts';
import type { Mutant } from './mutant.ts';

/** A wrong provider waits for what never comes: not for long. */
const SETTLE_SECONDS = 10;

/** The harness of a wrong provider. Processes that get killed import this module with its id in the query. */
export function harnessOfMutant({ id, provider, cloud }: Mutant): Harness {
  const module = new URL(import.meta.url);
  module.search = `?mutant=${id}`;
  return { ...harnessOf(provider, module.href, cloud), settleSeconds: SETTLE_SECONDS };
}

const wanted = new URL(import.meta.url).searchParams.get('mutant');
const mutant = MUTANTS.find(({ id }) => id === wanted);
export default mutant && harnessOfMutant(mutant);
