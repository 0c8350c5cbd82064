import { hasDue } from '@clusternator/core/expiry';
import { ProviderError } from '@clusternator/core/provider';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../control/failure.ts';
import type { Scope } from './database.ts';

export const EXPIRY_VARIABLE = 'CLUSTERNATOR_LOCAL_EXPIRY_SECONDS';
const EVERY_SECONDS = 30;
const LONGEST_PAUSE_SECONDS = 3600;
const GRACE_MS = 5000;

export interface ExpiryOptions {
  readonly stateFolder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of all environments that there are. */
  readonly scopes: () => readonly Scope[];
  readonly log: (message: string) => void;
}

/**
 * Keeps times to live and backup schedules, where something runs all the time: here. It only looks; what is due is done by a process of its
 * own, which uses the engine as any command does, and so never destroys what a slot uses or another process works on.
 */
export class Expiry {
  readonly #options: ExpiryOptions;
  readonly #everyMs: number;
  /** By project and stage that failed: when to try again, and how long to wait after that. */
  readonly #failed = new Map<string, { readonly atMs: number; readonly pauseMs: number }>();
  #timer: NodeJS.Timeout | undefined;
  #child: ChildProcess | undefined;
  #isStopped = false;

  /** @throws ProviderError `invalid`: the variable is no number of seconds. */
  constructor(options: ExpiryOptions) {
    this.#options = options;
    this.#everyMs = secondsOf(options.env[EXPIRY_VARIABLE]) * 1000;
  }

  start(): void {
    this.#timer = setTimeout(() => {
      void this.#look().finally(() => {
        if (!this.#isStopped) this.start();
      });
    }, this.#everyMs).unref();
  }

  /** What it is destroying then is gone on with by the next daemon. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (child?.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    await ended;
    clearTimeout(timer);
  }

  async #look(): Promise<void> {
    for (const scope of distinct(this.#options.scopes())) {
      const key = `${scope.project} ${scope.stage}`;
      const failed = this.#failed.get(key);
      if (this.#isStopped) return;
      if (failed !== undefined && Date.now() < failed.atMs) continue;
      if (await this.#keep(scope)) this.#failed.delete(key);
      else {
        const pauseMs = Math.min((failed?.pauseMs ?? this.#everyMs) * 2, LONGEST_PAUSE_SECONDS * 1000);
        this.#failed.set(key, { atMs: Date.now() + pauseMs, pauseMs });
      }
    }
  }

  async #keep(scope: Scope): Promise<boolean> {
    const { stateFolder, log } = this.#options;
    try {
      if (!(await hasDue({ ...scope, stateFolder, provider: 'local' }))) return true;
      return await this.#destroy(scope);
    } catch (error) {
      log(`can't look for what is due in ${scope.project} (stage ${scope.stage}): ${messageOf(error)}`);
      return false;
    }
  }

  async #destroy({ project, stage }: Scope): Promise<boolean> {
    const { env, stateFolder } = this.#options;
    const program = fileURLToPath(new URL('expire-main.js', import.meta.url));
    const child = spawn(process.execPath, [program, project, stage], {
      cwd: '/',
      env: { ...env, CLUSTERNATOR_STATE_HOME: stateFolder },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    this.#child = child;
    try {
      await once(child, 'exit');
    } finally {
      this.#child = undefined;
    }
    return child.exitCode === 0;
  }
}

function distinct(scopes: readonly Scope[]): readonly Scope[] {
  const byName = new Map(scopes.map(({ project, stage }) => [`${project} ${stage}`, { project, stage }]));
  return [...byName.values()];
}

function secondsOf(text: string | undefined): number {
  if (text === undefined || text === '') return EVERY_SECONDS;
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds >= 0.1) return seconds;
  throw new ProviderError('invalid', `${EXPIRY_VARIABLE} is ${JSON.stringify(text)}, which is no number of seconds`, {
    hint: 'leave it out to look every 30 seconds',
  });
}
