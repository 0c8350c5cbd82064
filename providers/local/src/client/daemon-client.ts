import { setTimeout as sleep } from 'node:timers/promises';
import { ProviderError } from '@clusternator/core/provider';
import type { z } from 'zod';
import { openLocalPaths, stateFolderOf, type LocalPaths } from '../control/paths.ts';
import { ensureDaemon, socketOf, type LaunchOptions } from './launch.ts';
import { ask, askLines, ConnectionLost, type WireRequest } from './wire.ts';

export interface ClientOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The daemon's program, for `node`. Left out: the one of this package. */
  readonly program?: readonly string[];
}

const TRIES = 5;

/** Speaks with the daemon of a state folder, and starts it where it does not run. */
export class DaemonClient {
  readonly paths: LocalPaths;
  readonly #launch: LaunchOptions;
  /** Of this process: its calls share one look and one start. */
  #ready: Promise<unknown> | undefined;

  /** @throws ProviderError `denied` (the state folder). */
  constructor({ env, program }: ClientOptions) {
    const stateFolder = stateFolderOf(env);
    this.paths = openLocalPaths(stateFolder, env);
    this.#launch = { paths: this.paths, stateFolder, env, ...(program && { program }) };
  }

  /**
   * The daemon's answer. All of its requests may be made again, so one whose answer was lost is.
   * @throws ProviderError `unavailable`, and whatever the daemon answers.
   */
  async call<T>(schema: z.ZodType<T>, request: WireRequest): Promise<T> {
    for (let tries = 1; ; tries++) {
      await this.#ensure(request.signal);
      try {
        return schema.parse(await ask(socketOf(this.paths), request));
      } catch (error) {
        if (!(error instanceof ConnectionLost) || tries >= TRIES) throw translated(error);
        this.#ready = undefined;
        await sleep(20 * 2 ** tries, undefined, { signal: request.signal });
      }
    }
  }

  /** The daemon's answer, a document at a time. Not made again: the caller knows where to go on. @throws as `call`, and ConnectionLost. */
  async *lines<T>(schema: z.ZodType<T>, request: WireRequest): AsyncGenerator<T> {
    await this.#ensure(request.signal);
    try {
      for await (const line of askLines(socketOf(this.paths), request)) yield schema.parse(line);
    } catch (error) {
      if (error instanceof ConnectionLost) this.#ready = undefined;
      throw error;
    }
  }

  async #ensure(signal: AbortSignal): Promise<void> {
    for (;;) {
      this.#ready ??= ensureDaemon(this.#launch, signal);
      try {
        await this.#ready;
        return;
      } catch (error) {
        this.#ready = undefined;
        // The start may have been another call's, which was aborted.
        if (ProviderError.is(error) || signal.aborted) throw error;
      }
    }
  }
}

function translated(error: unknown): unknown {
  if (!(error instanceof ConnectionLost)) return error;
  return new ProviderError('unavailable', 'the daemon does not answer', {
    cause: error,
    hint: 'see `clusternator daemon logs`',
  });
}
