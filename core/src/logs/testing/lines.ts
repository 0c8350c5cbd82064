import type { LogLine } from '../../environment/environment.ts';

/** A line of nearly 2 KiB. */
export function lineOf(number: number): LogLine {
  const text = `${String(number)} ${'ä\t"x"'.repeat(200)}`;
  return { at: new Date(number), service: 'web', instance: '0', text, cursor: String(number) };
}
