import { ProviderError } from '@clusternator/core/provider';
import type { RecordChange, RecordSet } from '@clusternator/core/provider';
import { z } from 'zod';
import { canonicalName } from './names.ts';
import { parseRdata, TYPE_NUMBERS } from './rdata.ts';
import type { Rdata } from './wire.ts';

// The type is checked by `normalRecordSet`: one that is unknown is `unsupported`, not a malformed message.
const type = z.custom<RecordSet['type']>((value) => typeof value === 'string', 'a record type');

/** For messages from outside. */
export const recordSetSchema: z.ZodType<RecordSet> = z.object({
  name: z.string(),
  ttlSeconds: z.number(),
  type,
  values: z.array(z.string()),
  opaque: z.literal(true).exactOptional(),
});
export const recordChangeSchema: z.ZodType<RecordChange> = z.object({
  expected: recordSetSchema.nullable(),
  next: recordSetSchema.nullable(),
});
export const recordFilterSchema = z.object({ name: z.string().exactOptional(), type: type.exactOptional() });

/** A record set as it is stored: names canonical, values parsed. */
export interface NormalRecordSet extends RecordSet {
  readonly data: readonly Rdata[];
}

const MAX_TTL_SECONDS = 2_147_483_647; // RFC 2181 §8
const MAX_VALUES = 500;
// All of a set must fit in one message over TCP, together with its names.
const MAX_SET_BYTES = 32_768;

/** @throws ProviderError `unsupported` for the type, `invalid` for all else; `path` names it below `at`. */
export function normalRecordSet(set: RecordSet, at: string): NormalRecordSet {
  if (!Object.hasOwn(TYPE_NUMBERS, set.type)) {
    throw new ProviderError('unsupported', `${set.name}: record type ${set.type} is not served here`, {
      path: `${at}.type`,
      hint: `known types: ${Object.keys(TYPE_NUMBERS).toSorted().join(', ')}`,
    });
  }
  const name = canonicalName(set.name);
  if (name === undefined || name === '')
    throw invalid(`${JSON.stringify(set.name)} is not a domain name`, `${at}.name`);
  const what = `${name} ${set.type}`;
  if (!Number.isInteger(set.ttlSeconds) || set.ttlSeconds < 0 || set.ttlSeconds > MAX_TTL_SECONDS) {
    throw invalid(
      `${what}: a TTL is a whole number of seconds from 0 to ${String(MAX_TTL_SECONDS)}, not ${String(set.ttlSeconds)}`,
      `${at}.ttlSeconds`,
    );
  }
  const data = set.values.map((value, index) => {
    const parsed = parseRdata(set.type, value);
    if (typeof parsed !== 'string') return parsed;
    throw invalid(`${what}: ${JSON.stringify(value)} is not ${parsed}`, `${at}.values.${String(index)}`);
  });
  assertWholeSet(set, what, data, at);
  return { name, type: set.type, ttlSeconds: set.ttlSeconds, values: data.map(({ text }) => text), data };
}

/** The same name, type, TTL and values; the order of values and the case of names don't count (RFC 1035 §2.3.3, RFC 2181 §5). */
export function sameRecordSet(one: NormalRecordSet, other: NormalRecordSet): boolean {
  return (
    one.name === other.name &&
    one.type === other.type &&
    one.ttlSeconds === other.ttlSeconds &&
    one.data.length === other.data.length &&
    keysOf(one).join() === keysOf(other).join()
  );
}

function assertWholeSet(set: RecordSet, what: string, data: readonly Rdata[], at: string): void {
  const path = `${at}.values`;
  if (data.length === 0) throw invalid(`${what}: a record set has at least one value`, path);
  if (data.length > MAX_VALUES) throw invalid(`${what}: at most ${String(MAX_VALUES)} values`, path);
  if ((set.type === 'CNAME' || set.type === 'ALIAS' || set.type === 'SOA') && data.length > 1) {
    throw invalid(`${what}: only one value is possible`, path);
  }
  if (data.reduce((sum, { wire }) => sum + wire.length, 0) > MAX_SET_BYTES) {
    throw invalid(`${what}: its values are larger than ${String(MAX_SET_BYTES)} bytes`, path);
  }
  if (new Set(data.map(keyOf)).size < data.length) throw invalid(`${what}: a value is there twice`, path);
}

function keysOf({ data }: NormalRecordSet): string[] {
  return data.map(keyOf).toSorted();
}

function keyOf({ wire }: Rdata): string {
  return wire.toString('hex');
}

function invalid(message: string, path: string): ProviderError {
  return new ProviderError('invalid', message, { path, effect: 'none' });
}
