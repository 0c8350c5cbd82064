import { ProviderError, type ErrorCode } from '@clusternator/core';
import { Exit, exitCodeOf, type ExitCode, type FailureContext } from './errors.ts';
import { printableLines, type paintFor } from './output/text.ts';

/** A command's failure, as `--json` shows it and as people read it. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  /** At fault, in the config or the arguments. */
  readonly path?: string;
  readonly exit: ExitCode;
  /** What led to it, outermost first. */
  readonly causes: readonly string[];
  /** Nobody foresaw it: a stack helps whoever mends it. */
  readonly stack?: string;
}

const MOST_CAUSES = 5;
const SEE_HELP = '\nSee more help with --help';

/** Reads whatever was thrown. oclif's own errors are wrong usage; what is no ProviderError is a bug of ours. */
export function failureOf(error: unknown, context: FailureContext = {}): Failure {
  if (ProviderError.is(error)) {
    const { hint, path } = error.detail;
    return {
      code: error.code,
      message: withoutParser(error.message),
      ...(hint === undefined ? {} : { hint }),
      ...(path === undefined ? {} : { path }),
      exit: exitCodeOf(error.code, context),
      causes: causesOf(error),
    };
  }
  if (isUsageError(error)) {
    const message = withoutParser(error.message);
    const isOfParser = error.message.includes(SEE_HELP);
    const hint = [error.suggestions?.join(', '), isOfParser ? 'see --help' : undefined].filter(Boolean).join('; ');
    return { code: 'invalid', message, ...(hint ? { hint } : {}), exit: Exit.usage, causes: [] };
  }
  if (isPromptExit(error)) {
    return { code: 'cancelled', message: 'the question was not answered', exit: Exit.interrupted, causes: [] };
  }
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: 'internal',
    message,
    exit: context.interrupted ? Exit.interrupted : Exit.unexpected,
    causes: causesOf(error),
    ...(error instanceof Error && error.stack ? { stack: error.stack } : {}),
  };
}

/** Human words for a failure. With `verbose` also the stack of a bug. */
export function failureLines(failure: Failure, paint: ReturnType<typeof paintFor>, verbose: boolean): string[] {
  const at = failure.path === undefined || failure.message.includes(failure.path) ? '' : ` (at ${failure.path})`;
  const lines = [`${paint('red', 'Error:')} ${printableLines(failure.message)}${at}`];
  for (const cause of failure.causes) lines.push(paint('dim', `  because: ${printableLines(cause)}`));
  if (failure.hint) lines.push(`${paint('cyan', 'Try:')} ${printableLines(failure.hint)}`);
  if (failure.stack === undefined) return lines;
  lines.push(
    verbose
      ? paint('dim', printableLines(failure.stack))
      : 'This is a bug in clusternator. Please report it with what --verbose prints.',
  );
  return lines;
}

function causesOf(error: unknown): string[] {
  const causes: string[] = [];
  const seen = new Set<unknown>([error]);
  let next: unknown = error instanceof Error ? error.cause : undefined;
  let said = error instanceof Error ? error.message : '';
  while (next !== undefined && next !== null && !seen.has(next) && causes.length < MOST_CAUSES) {
    seen.add(next);
    const message = next instanceof Error ? next.message : typeof next === 'string' ? next : '';
    // A cause whose words are in the message already says nothing new.
    if (message !== '' && !said.includes(message)) causes.push(message);
    said += message;
    next = next instanceof Error ? next.cause : undefined;
  }
  return causes;
}

/** oclif's parser writes over messages, and adds advice that does not hold for flags that take one value each. */
function withoutParser(message: string): string {
  return message
    .replace(SEE_HELP, '')
    .replace(/\n\nNote: --[^]*?beginning of arguments\./, '')
    .replace(/^Parsing (--[\w-]+) \n\t/, '$1: ');
}

interface UsageError extends Error {
  readonly suggestions?: readonly string[];
}

/** oclif marks its errors, also those of another copy of it. Its ExitError is no failure of usage. */
function isUsageError(error: unknown): error is UsageError {
  return error instanceof Error && 'oclif' in error && !('code' in error && error.code === 'EEXIT');
}

/** @inquirer's answer to Ctrl-C. */
function isPromptExit(error: unknown): boolean {
  return error instanceof Error && (error.name === 'ExitPromptError' || error.name === 'AbortPromptError');
}
