import { isScalar, parseDocument } from 'yaml';
import { isMap, type PlainData } from './plain-data.ts';
import { ConfigError, type ConfigProblem } from './problem.ts';
import { withStage } from './stage-overlay.ts';

type PlainMap = Record<string, PlainData>;

/** What is laid over a config that was read. Later ones win: what it says of its stage, environment variables, `set`, `provider`. */
export interface Overrides {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** As in `--set services.api.env.LOG_LEVEL=debug`. */
  readonly set?: readonly string[];
  readonly provider?: string;
}

/** The environment variables that stand for a key. */
export const ENV_OVERRIDES = {
  CLUSTERNATOR_PROJECT: 'project',
  CLUSTERNATOR_STAGE: 'stage',
  CLUSTERNATOR_PROVIDER: 'provider',
  CLUSTERNATOR_DOMAIN: 'domain',
  CLUSTERNATOR_REGISTRY: 'registry',
} as const;

const FORBIDDEN: ReadonlySet<string> = new Set(['__proto__', 'prototype', 'constructor']);

/** The config with the overrides laid over it. What they make of it is validated as if the file said so. @throws ConfigError. */
export function override(config: PlainData, overrides: Overrides): PlainData {
  if (!isMap(config)) return config;
  const result = withStage(structuredClone(config), stageOf(overrides));
  for (const [variable, key] of Object.entries(ENV_OVERRIDES)) {
    const value = overrides.env[variable];
    if (value === undefined || value === '') continue;
    if (key === 'provider') setProvider(result, value);
    else result[key] = value;
  }
  const problems = (overrides.set ?? []).flatMap((assignment) => setOne(result, assignment));
  if (problems.length > 0) throw new ConfigError(problems, '--set');
  if (overrides.provider !== undefined) setProvider(result, overrides.provider);
  return result;
}

/** The stage that is asked for. Undefined: that of the file. */
function stageOf({ env, set = [] }: Overrides): string | undefined {
  const told = set.findLast((one) => one.startsWith('stage='))?.slice('stage='.length);
  return told ?? (env.CLUSTERNATOR_STAGE === '' ? undefined : env.CLUSTERNATOR_STAGE);
}

/** The same provider keeps the keys that the file gives it; another begins with none. */
function setProvider(config: PlainMap, name: string): void {
  const before = config.provider;
  config.provider = isMap(before) && before.name === name ? before : name;
}

function setOne(config: PlainMap, assignment: string): ConfigProblem[] {
  const equals = assignment.indexOf('=');
  const keys = assignment.slice(0, Math.max(0, equals)).split('.');
  if (equals <= 0 || keys.some((key) => key === '')) {
    return [
      { path: '', message: `"${assignment}" is not <path>=<value>`, hint: 'such as services.api.env.LOG_LEVEL=debug' },
    ];
  }
  const path = keys.join('.');
  if (keys.some((key) => FORBIDDEN.has(key))) return [{ path, message: 'is not a path of the config' }];
  if (keys[0] === 'provider' && keys.length > 1 && typeof config.provider === 'string')
    config.provider = { name: config.provider };
  let at: PlainMap | PlainData[] = config;
  for (const [depth, key] of keys.slice(0, -1).entries()) {
    const next: PlainData | undefined = member(at, key);
    if (next === undefined) {
      if (Array.isArray(at)) return [{ path, message: `${keys.slice(0, depth).join('.')} has no item ${key}` }];
      at = at[key] = {};
    } else if (isMap(next) || Array.isArray(next)) at = next;
    else
      return [
        {
          path,
          message: `${keys.slice(0, depth + 1).join('.')} is ${JSON.stringify(next)}, not a map`,
          hint: 'set it as a whole',
        },
      ];
  }
  return assign(at, keys.at(-1) ?? '', valueOf(assignment.slice(equals + 1)), path);
}

function member(at: PlainMap | PlainData[], key: string): PlainData | undefined {
  if (Array.isArray(at)) return /^\d+$/.test(key) ? at[Number(key)] : undefined;
  return Object.hasOwn(at, key) ? at[key] : undefined;
}

function assign(at: PlainMap | PlainData[], key: string, value: PlainData, path: string): ConfigProblem[] {
  if (!Array.isArray(at)) at[key] = value;
  else if (/^\d+$/.test(key) && Number(key) <= at.length) at[Number(key)] = value;
  else return [{ path, message: `is an item of a list that has ${at.length}` }];
  return [];
}

/** A YAML scalar, or a list or map in brackets. Anything else is text, such as `a: b`. */
function valueOf(text: string): PlainData {
  const document = parseDocument(text, { prettyErrors: false });
  const isPlain = document.errors.length === 0 && document.warnings.length === 0;
  if (!isPlain || !(isScalar(document.contents) || /^\s*[[{]/.test(text))) return text;
  return document.toJS({ maxAliasCount: 0 }) as PlainData; // without tags and aliases YAML has no other values
}
