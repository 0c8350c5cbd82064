import { createHash } from 'node:crypto';
import { ProviderError } from '../provider/error.ts';

/** Data as JSON text that is the same for equal data: keys in order, undefined left out. @throws ProviderError `internal` for what is no data. */
export function canonicalJson(value: unknown): string {
  const text = write(value, []);
  if (text === undefined) throw noData(value);
  return text;
}

/** Equal data has the same fingerprint: sha256 over its canonical JSON, as 64 hex digits. @throws as `canonicalJson`. */
export function fingerprint(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}

function write(value: unknown, parents: readonly object[]): string | undefined {
  if (value === undefined) return undefined;
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return JSON.stringify(value);
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (typeof value !== 'object') throw noData(value);
  if (parents.includes(value)) throw new ProviderError('internal', 'a value that contains itself has no fingerprint');
  if (value instanceof Date) return JSON.stringify(value);
  const inside = [...parents, value];
  if (Array.isArray(value)) return `[${value.map((item) => write(item, inside) ?? 'null').join(',')}]`;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) throw noData(value); // a Map would be written as {}
  const members = Object.entries(value)
    .map(([key, item]) => [key, write(item, inside)] as const)
    .filter(([, text]) => text !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, text]) => `${JSON.stringify(key)}:${text}`).join(',')}}`;
}

function noData(value: unknown): ProviderError {
  return new ProviderError('internal', `a ${typeof value} is not data and has no fingerprint`);
}
