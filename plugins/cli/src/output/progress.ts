import type { EngineEvent } from '@clusternator/core';
import { PlainProgress } from './plain-progress.ts';
import { TerminalProgress } from './terminal-progress.ts';

/** Shows what the engine does, on the error stream: the answer alone goes to standard output. */
export interface Progress {
  show(event: EngineEvent): void;
  /** Prints a line of its own, above what is live. */
  note(text: string): void;
  /** Ends live lines. To be called before anything else is printed, and again in the end. */
  stop(): void;
}

export interface ProgressOptions {
  readonly stream: NodeJS.WriteStream;
  /** With what builds print, and debug lines. */
  readonly verbose: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  now(): number;
}

/** Live lines in a terminal, one line a step elsewhere and on CI. */
export function progressFor(options: ProgressOptions): Progress {
  const live = options.stream.isTTY && !options.env.CI && options.env.TERM !== 'dumb';
  return live ? new TerminalProgress(options) : new PlainProgress(options);
}
