import { ProviderError } from '../provider/error.ts';

/** One thing that is wrong in a config. */
export interface ConfigProblem {
  /** Such as `services.api.port`. Empty: the whole config. */
  readonly path: string;
  readonly message: string;
  /** The way out. */
  readonly hint?: string;
  /** Where in the file, from 1, where it is known. */
  readonly line?: number;
  readonly column?: number;
}

/** All that is wrong in a config, at once. `detail` has the path and hint of the first. */
export class ConfigError extends ProviderError {
  /** @param source - The file, or what else the config came from. */
  constructor(
    readonly problems: readonly ConfigProblem[],
    readonly source: string,
    cause?: unknown,
  ) {
    const [first] = problems;
    super('invalid', textOf(problems, source), {
      ...(first?.path && { path: first.path }),
      ...(first?.hint !== undefined && { hint: first.hint }),
      ...(cause !== undefined && { cause }),
    });
  }
}

/** The problems that an error carries, also one of another copy of core. None: it is not about a config. */
export function problemsOf(error: unknown): readonly ConfigProblem[] {
  if (!ProviderError.is(error) || !('problems' in error) || !Array.isArray(error.problems)) return [];
  return error.problems as readonly ConfigProblem[]; // only ConfigError has them, of whichever copy
}

/** A path as people write it: `services.api.volumes.data`, with quotes where a key holds more than letters, digits and `_-$`. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((key, at) => {
      const text = String(key);
      if (!/^[\w$-]+$/.test(text)) return `[${JSON.stringify(text)}]`;
      return at === 0 ? text : `.${text}`;
    })
    .join('');
}

function textOf(problems: readonly ConfigProblem[], source: string): string {
  const [first] = problems;
  if (first === undefined || problems.length === 1)
    return `${source}: ${first === undefined ? 'is not valid' : lineOf(first)}`;
  return [`${source} has ${problems.length} problems`, ...problems.map((problem) => `  ${lineOf(problem, true)}`)].join(
    '\n',
  );
}

function lineOf(problem: ConfigProblem, withHint = false): string {
  const place =
    problem.line === undefined
      ? ''
      : ` (line ${problem.line}${problem.column === undefined ? '' : `:${problem.column}`})`;
  const subject = problem.path === '' ? place.trim() : `${problem.path}${place}`;
  const hint = withHint && problem.hint !== undefined ? `; ${problem.hint}` : '';
  return `${subject}${subject === '' ? '' : ' '}${problem.message}${hint}`;
}
