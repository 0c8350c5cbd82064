import { DEFAULT_STAGE } from '../names/owner.ts';
import { isMap, type PlainData } from './plain-data.ts';

type PlainMap = Record<string, PlainData>;

/** What may be another in one stage. Not what tells a project from others, nor which providers may be loaded at all. */
export const STAGE_KEYS = [
  'provider',
  'dns',
  'state',
  'domain',
  'registry',
  'services',
  'sites',
  'volumes',
  'slots',
  'environments',
  'logs',
] as const;

/** Lays what a config says of its own stage over it: maps are merged, all else is replaced. What it says of other stages stays unread. */
export function withStage(config: PlainMap, told: string | undefined): PlainMap {
  const { stages } = config;
  const stage = told ?? config.stage ?? DEFAULT_STAGE;
  const own = isMap(stages) && typeof stage === 'string' && Object.hasOwn(stages, stage) ? stages[stage] : undefined;
  if (!isMap(own)) return config;
  const result = { ...config };
  for (const key of STAGE_KEYS) {
    const value = own[key];
    if (value === undefined) continue;
    const isProvider = key === 'provider' || key === 'dns' || key === 'state';
    result[key] = isProvider ? withProviderKeys(result[key], value) : merged(result[key], value);
  }
  return result;
}

/** `provider: aws` and keys without a name mean that provider with these keys; another name means that one with its own keys alone. */
function withProviderKeys(below: PlainData | undefined, above: PlainData): PlainData {
  const named = typeof below === 'string' ? { name: below } : below;
  if (!isMap(above) || !isMap(named)) return above;
  return above.name === undefined || above.name === named.name ? merged(named, above) : above;
}

function merged(below: PlainData | undefined, above: PlainData): PlainData {
  if (!isMap(below) || !isMap(above)) return above;
  const entries = Object.entries(above).map(([key, value]): [string, PlainData] => [
    key,
    merged(Object.hasOwn(below, key) ? below[key] : undefined, value),
  ]);
  return { ...below, ...Object.fromEntries(entries) };
}
