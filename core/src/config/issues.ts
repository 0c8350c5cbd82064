import type { z } from 'zod';
import { nearest } from '../names/nearest.ts';
import { formatPath, type ConfigProblem } from './problem.ts';

type Issue = z.core.$ZodIssue;

/** Says what is wrong in our words; those that a schema gave itself come first. Structure is told apart in `problemsFrom`. */
export const errorMap: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? 'is required'
        : `must be ${typeName(issue.expected)}, is ${describe(issue.input)}`;
    case 'invalid_value':
      return `must be ${issue.values.map(String).join(' or ')}, is ${describe(issue.input)}`;
    case 'too_small':
    case 'too_big':
      return sizeMessage(issue);
    case 'unrecognized_keys':
      return knownKeys(issue.inst).join(' ');
    case 'invalid_union':
      return '';
    default:
      return undefined;
  }
};

/** Each issue as problems: one for each unknown key, and of alternatives the one that was meant. */
export function problemsFrom(issues: readonly Issue[], above: readonly PropertyKey[] = []): ConfigProblem[] {
  return issues.flatMap((issue): ConfigProblem[] => {
    const path = [...above, ...issue.path];
    switch (issue.code) {
      case 'unrecognized_keys':
        return issue.keys.map((key) => unknownKey([...path, key], key, issue.message.split(' ')));
      case 'invalid_union':
        return issue.message === '' ? problemsOfUnion(issue.errors, path) : [problem(path, issue.message)];
      case 'invalid_key':
        return problemsFrom(issue.issues, path).map((each) => ({
          ...each,
          message: `${each.message} (the name)`,
        }));
      default:
        return [problem(path, issue.message, hintOf(issue))];
    }
  });
}

/** The alternative that fails deepest, or later than at its type, was meant. Where all fail by type, any of them would do. */
function problemsOfUnion(alternatives: readonly (readonly Issue[])[], path: readonly PropertyKey[]): ConfigProblem[] {
  const meant = alternatives.filter(
    (issues) => !issues.some((issue) => issue.code === 'invalid_type' && issue.path.length === 0),
  );
  const [best] = meant.toSorted((a, b) => depthOf(b) - depthOf(a) || a.length - b.length);
  if (best !== undefined) return problemsFrom(best, path);
  const messages = [...new Set(alternatives.flat().map(({ message }) => message))];
  if (messages.includes('is required')) return [problem(path, 'is required')];
  const own = messages.find((message) => !message.startsWith('must be a'));
  if (own !== undefined) return [problem(path, own)];
  const wanted = messages.map((message) => /^must be (.*?)(?:, is .*)?$/.exec(message)?.[1] ?? message);
  const is = /, is (.*)$/.exec(messages[0] ?? '')?.[1];
  return [problem(path, `must be ${[...new Set(wanted)].join(' or ')}${is === undefined ? '' : `, is ${is}`}`)];
}

function depthOf(issues: readonly Issue[]): number {
  return Math.max(0, ...issues.map(({ path }) => path.length));
}

function unknownKey(path: readonly PropertyKey[], key: string, known: readonly string[]): ConfigProblem {
  const meant = nearest(key, known);
  return problem(
    path,
    'is not a known key',
    meant === undefined ? `known here: ${known.join(', ')}` : `did you mean "${meant}"?`,
  );
}

function problem(path: readonly PropertyKey[], message: string, hint?: string): ConfigProblem {
  return { path: formatPath(path), message, ...(hint !== undefined && { hint }) };
}

function hintOf(issue: Issue): string | undefined {
  const hint: unknown = issue.code === 'custom' ? issue.params?.hint : undefined;
  return typeof hint === 'string' ? hint : undefined;
}

function knownKeys(inst: unknown): readonly string[] {
  // `inst` is the schema that found the keys; only a strict object does.
  const schema = inst as { readonly _zod?: { readonly def?: { readonly shape?: object } } } | undefined;
  return Object.keys(schema?._zod?.def?.shape ?? {}).filter((key) => !key.startsWith('$'));
}

function sizeMessage(issue: {
  readonly code: 'too_small' | 'too_big';
  readonly origin: string;
  readonly minimum?: unknown;
  readonly maximum?: unknown;
}): string {
  const limit = String(issue.code === 'too_small' ? issue.minimum : issue.maximum);
  const unit = issue.origin === 'string' ? ' characters long' : issue.origin === 'array' ? ' items' : '';
  return `must be ${issue.code === 'too_small' ? 'at least' : 'at most'} ${limit}${unit}`;
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
  null: 'empty',
};
function typeName(expected: string): string {
  return TYPES[expected] ?? `a ${expected}`;
}

function describe(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number') return Number.isInteger(value) ? `the number ${value}` : `the fraction ${value}`;
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  return typeof value === 'boolean' ? String(value) : 'a map';
}
