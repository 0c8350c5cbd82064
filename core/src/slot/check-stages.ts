import type { PromoteRequest } from '../host/slots.ts';
import { ProviderError } from '../provider/error.ts';
import { hasSlotDisks } from './disks.ts';
import type { SlotSettings } from './settings.ts';

/** @throws ProviderError `invalid`: they don't rise to 100; `unsupported`: the slot's traffic can't be split. */
export function checkStages({ slot, mechanism, config }: SlotSettings, { slot: name, stages }: PromoteRequest): void {
  const asked = stages ?? slot.stages;
  const isValid =
    asked.every(({ percent }, at) => percent > (asked[at - 1]?.percent ?? 0)) && asked.at(-1)?.percent === 100;
  if (!isValid)
    throw new ProviderError('invalid', 'stages must rise from one to the next, up to 100', { path: 'stages' });
  if (asked.length > 1 && hasSlotDisks(config)) throw splitsDisk(name);
  if (mechanism === 'router' || asked.length === 1) return;
  throw new ProviderError('unsupported', `slot ${name} moves by DNS, which does not split traffic by weight`, {
    path: `slots.${name}.stages`,
  });
}

/** Two environments would serve at once, and one holds the data. */
function splitsDisk(slot: string): ProviderError {
  return new ProviderError(
    'unsupported',
    `slot ${slot} has a volume of the kind disk, which one environment at a time mounts: its traffic can't be split`,
    { path: `slots.${slot}.stages`, hint: 'promote it in one step, or use kind: files' },
  );
}
