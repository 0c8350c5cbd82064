import { ProviderError } from '../provider/error.ts';
import { parseDuration } from './units.ts';

/** A share of the traffic, and how long it is held before the next. */
export interface Stage {
  readonly percent: number;
  readonly holdSeconds: number;
}

/** `10@5m,50@5m,100`. The last 100 may be left out. */
export const STAGES =
  /^\d{1,3}@(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+(?:,\d{1,3}@(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+)*(?:,100)?$/;

/** @throws ProviderError `invalid`. */
export function parseStages(text: string): Stage[] {
  const stages = STAGES.test(text) ? splitStages(text) : undefined;
  if (stages && isRising(stages)) return stages;
  const problem = stages ? 'does not rise from one stage to the next, up to 100' : 'is not a list of stages';
  throw new ProviderError('invalid', `"${text}" ${problem}`, {
    hint: 'write shares of the traffic and how long each is held: 10@5m,50@5m,100',
  });
}

/** Of a text like `STAGES`. It ends with all of the traffic. */
export function splitStages(text: string): Stage[] {
  const stages = text.split(',').map((stage): Stage => {
    const [percent = '', hold] = stage.split('@');
    return { percent: Number(percent), holdSeconds: hold === undefined ? 0 : parseDuration(hold) };
  });
  return upToAll(stages);
}

export function upToAll(stages: Stage[]): Stage[] {
  return stages.at(-1)?.percent === 100 ? stages : [...stages, { percent: 100, holdSeconds: 0 }];
}

export function isRising(stages: readonly Stage[]): boolean {
  return stages.every(({ percent }, at) => percent >= 1 && percent <= 100 && percent > (stages[at - 1]?.percent ?? 0));
}
