import { contractMutants } from './contract.ts';
import { foundationMutants } from './foundation.ts';
import { makingMutants } from './making.ts';
import type { Mutant } from './mutant.ts';
import { dnsMutants, stateMutants } from './names.ts';
import { slotMutants } from './slots.ts';
import { storageMutants } from './storage.ts';
import { thingMutants } from './things.ts';
import { wireMutants } from './wire.ts';

/** Memory providers that are each wrong in one thing. */
export const MUTANTS: readonly Mutant[] = [
  ...contractMutants,
  ...makingMutants,
  ...foundationMutants,
  ...wireMutants,
  ...thingMutants,
  ...slotMutants,
  ...dnsMutants,
  ...storageMutants,
  ...stateMutants,
];
