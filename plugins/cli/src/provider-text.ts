import { CAPABILITIES, type Capabilities, type Provider, type ProviderSource } from '@clusternator/core';
import { satisfies, validRange } from 'semver';
import { z } from 'zod';

/** A provider of this installation, as its manifest tells. */
export interface ProviderRow {
  readonly id: string;
  readonly package: string;
  readonly version: string;
  readonly sdk: string;
  /** Made for this version of core. */
  readonly compatible: boolean;
}

export function providerRow(source: ProviderSource, coreVersion: string): ProviderRow {
  const { id, version, sdk } = source;
  return { id, package: source.package, version, sdk, compatible: fits(coreVersion, sdk) };
}

/** A pre-release of core counts as the version that it leads to. */
export function fits(coreVersion: string, range: string): boolean {
  return validRange(range) !== null && satisfies(coreVersion, range, { includePrerelease: true });
}

/** One key beside `provider.name` in the config. */
export interface ProviderKey {
  readonly key: string;
  readonly type: string;
  readonly required: boolean;
  readonly default?: unknown;
  readonly description?: string;
}

/** What the provider's config takes, from its schema. Undefined: its schema is of a kind that can't be described. */
export function providerKeys(provider: Provider): ProviderKey[] | undefined {
  let schema: JsonSchema;
  try {
    schema = z.toJSONSchema(provider.config, { io: 'input', unrepresentable: 'any' });
  } catch {
    return undefined; // made by hand, or by a zod of another generation
  }
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    if (typeof value === 'boolean') return [];
    const { description } = value;
    return [
      {
        key,
        type: typeOf(value),
        required: required.has(key),
        ...(value.default === undefined ? {} : { default: value.default }),
        ...(description === undefined ? {} : { description }),
      },
    ];
  });
}

type JsonSchema = z.core.JSONSchema.BaseSchema;

function typeOf(schema: JsonSchema): string {
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(' | ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return choices.map((one) => (typeof one === 'boolean' ? 'any' : typeOf(one))).join(' | ');
  return Array.isArray(schema.type) ? schema.type.join(' | ') : (schema.type ?? 'any');
}

/** One capability under one config of the provider. */
export interface CapabilityRow {
  readonly capability: string;
  readonly can: 'yes' | 'no';
  readonly limit?: number;
  readonly note?: string;
  /** What a yes promises. */
  readonly meaning: string;
}

/** All capabilities; one that the provider does not name is a no. */
export function capabilityRows(capabilities: Capabilities): CapabilityRow[] {
  return Object.entries(CAPABILITIES).map(([capability, meaning]) => {
    // Object.entries forgets the names that it walks through.
    const found = capabilities[capability as keyof typeof CAPABILITIES];
    if (!found) return { capability, can: 'no', meaning };
    return {
      capability,
      can: found.can,
      ...(found.can === 'yes' && found.limit !== undefined ? { limit: found.limit } : {}),
      ...(found.note === undefined ? {} : { note: found.note }),
      meaning,
    };
  });
}
