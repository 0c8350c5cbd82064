import { ProviderError } from '@clusternator/core';

/** `10m` is ten minutes ago; an ISO time is itself. @throws ProviderError `invalid`. */
export async function sinceOf(text: string, nowMs: number): Promise<Date> {
  const moment = new Date(text);
  if (/^\d{4}-/.test(text) && !Number.isNaN(moment.getTime())) return moment;
  const { parseDuration } = await import('@clusternator/core');
  try {
    return new Date(nowMs - parseDuration(text) * 1000);
  } catch (cause) {
    throw new ProviderError('invalid', `"${text}" is neither a duration nor a time`, {
      path: '--since',
      hint: 'for example --since 10m, or --since 2026-05-01T09:00:00Z',
      cause,
    });
  }
}
