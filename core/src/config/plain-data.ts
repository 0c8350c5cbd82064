import { formatPath, type ConfigProblem } from './problem.ts';

/** As YAML and JSON have it. */
export type PlainData = string | number | boolean | null | PlainData[] | { [key: string]: PlainData };

const DEEPEST = 32;
/** A map with such a key could change what all objects have. */
const DANGEROUS: ReadonlySet<string> = new Set(['__proto__', 'prototype']);

/**
 * A copy of what a config file gave, as plain data: so that validating and overriding run no code of the file and change nothing of it.
 * What is undefined is left out, which is how TypeScript writes "only if there is one".
 */
export function plainData(value: unknown): { readonly data?: PlainData; readonly problems: readonly ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  const data = copy(value, [], (path, message) => problems.push({ path: formatPath(path), message }));
  return { ...(data !== undefined && { data }), problems };
}

type Report = (path: readonly string[], message: string) => void;

function copy(value: unknown, path: readonly string[], report: Report): PlainData | undefined {
  if (path.length > DEEPEST) {
    report(path.slice(0, 3), 'is nested too deeply, or contains itself');
    return undefined;
  }
  if (value === undefined || value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (Array.isArray(value)) return value.map((item: unknown, at) => copy(item, [...path, String(at)], report) ?? null);
  if (typeof value !== 'object' || !isPlain(value)) {
    report(path, `must be plain data, is ${typeof value === 'object' ? 'an object of a class' : `a ${typeof value}`}`);
    return undefined;
  }
  const entries = Object.entries(value).flatMap(([key, item]): [string, PlainData][] => {
    if (DANGEROUS.has(key)) report([...path, key], 'is not allowed as a key');
    const inside = DANGEROUS.has(key) ? undefined : copy(item, [...path, key], report);
    return inside === undefined ? [] : [[key, inside]];
  });
  return Object.fromEntries(entries);
}

/** Also for objects of another realm: a module that was loaded elsewhere has its own Object. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Whether it is a map, as against a list, a scalar or nothing. */
export function isMap(value: unknown): value is Record<string, PlainData> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
