import { ProviderError, type EnvironmentSpec } from '@clusternator/core/provider';
import { z } from 'zod';
import { prefixOf } from './bundle.ts';
import { VALUE_BYTES } from './keys.ts';

/** What the store says of a host: an environment, or a slot and the place in it, 0 for the head and 1 for the newest standby. */
const hostSchema = z.union([
  z.strictObject({ e: z.string() }),
  z.strictObject({ s: z.string(), p: z.int().nonnegative() }),
]);
/** Of a slot: how often it was written, its stamp, its routes, and the hosts of its head and standbys. */
const slotSchema = z.strictObject({
  v: z.int(),
  g: z.string().optional(),
  r: z.array(z.tuple([z.string(), z.number()])),
  h: z.array(z.string()),
  b: z.array(z.string()),
});
const tagsSchema = z.record(z.string(), z.string());
export type HostRecord = z.output<typeof hostSchema>;
export type SlotRecord = z.output<typeof slotSchema>;

export function parseHost(text: string): HostRecord {
  return hostSchema.parse(JSON.parse(text));
}

export function parseSlot(text: string): SlotRecord {
  return slotSchema.parse(JSON.parse(text));
}

/** Core's, of a slot. */
export function parseTags(text: string): Readonly<Record<string, string>> {
  return tagsSchema.parse(JSON.parse(text));
}

/** Of an environment: in how many shards its files are told, and its sites, those with the longest routes first. */
export function environmentRecord(spec: EnvironmentSpec, key: string, shards: number): string {
  const sites = Object.entries(spec.sites)
    .map(
      ([name, { route, fallback = '', artefact }]) => [route, prefixOf(key, name, artefact.digest), fallback] as const,
    )
    .sort(([a], [b]) => b.length - a.length);
  return record({ n: shards, s: sites }, `the sites of environment ${spec.id}`, 'sites');
}

/** @throws ProviderError `invalid`: it is more than a value holds. */
export function record(value: unknown, what: string, path: string): string {
  const text = JSON.stringify(value);
  if (Buffer.byteLength(text) <= VALUE_BYTES) return text;
  throw new ProviderError('invalid', `${what} are more than CloudFront’s key value store holds in a value`, {
    path,
    hint: `it takes ${String(VALUE_BYTES)} bytes: let there be fewer, or shorter names`,
  });
}
