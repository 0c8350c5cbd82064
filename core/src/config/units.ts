import { ProviderError } from '../provider/error.ts';

const SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
const MEBIBYTES: Readonly<Record<string, number>> = { Ki: 1 / 1024, Mi: 1, Gi: 1024, Ti: 1_048_576 };
/** A number and a unit, once or more: `500ms`, `72h`, `1h30m`. */
export const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+$/;
/** A number and a unit: `512Mi`, `1.5Gi`. */
export const SIZE = /^\d+(?:\.\d+)?(?:Ki|Mi|Gi|Ti)$/;

/** @returns Seconds. @throws ProviderError `invalid`. */
export function parseDuration(text: string): number {
  if (!DURATION.test(text)) {
    throw new ProviderError('invalid', `"${text}" is not a duration`, {
      hint: 'write a number and a unit (ms, s, m, h, d, w): 30s, 5m, 72h, 14d',
    });
  }
  const terms = text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g);
  const seconds = [...terms].reduce((sum, [, number, unit]) => sum + Number(number) * (SECONDS[unit ?? ''] ?? NaN), 0);
  return Math.round(seconds * 1000) / 1000; // 100ms + 200ms is 0.3, not 0.30000000000000004
}

/** @returns MiB. @throws ProviderError `invalid`. */
export function parseSize(text: string): number {
  const [, number = '', unit = ''] = /^([\d.]+)(Ki|Mi|Gi|Ti)$/.exec(text) ?? [];
  if (!SIZE.test(text)) {
    throw new ProviderError('invalid', `"${text}" is not a size`, {
      hint: 'write a number and a unit (Mi, Gi, Ti, in powers of 1024): 512Mi, 20Gi',
    });
  }
  return Number(number) * (MEBIBYTES[unit] ?? NaN);
}
