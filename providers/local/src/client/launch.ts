import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ProviderError } from '@clusternator/core/provider';
import { z } from 'zod';
import type { Lock } from '../control/lock.ts';
import type { LocalPaths } from '../control/paths.ts';
import { PROTOCOL, statusSchema, type DaemonStatus } from '../control/views.ts';
import { ask, ConnectionLost } from './wire.ts';
import { messageOf } from '../control/failure.ts';

export interface LaunchOptions {
  readonly paths: LocalPaths;
  readonly stateFolder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The daemon's program, for `node`. Left out: the one of this package. */
  readonly program?: readonly string[];
  readonly startSeconds?: number;
}

/** Its exit code when another daemon has the lock. */
const ANOTHER_RUNS = 75;
const START_SECONDS = 20;
const infoSchema = z.object({ socket: z.string() });

/** Where the daemon that runs says that its socket is, or where one would put it. */
export function socketOf(paths: LocalPaths): string {
  try {
    return infoSchema.parse(JSON.parse(readFileSync(paths.info, 'utf8'))).socket;
  } catch {
    return paths.socket;
  }
}

/** Undefined: none runs. */
export async function findDaemon(paths: LocalPaths, signal: AbortSignal): Promise<DaemonStatus | undefined> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(5000)]);
  try {
    return statusSchema.parse(await ask(socketOf(paths), { method: 'GET', path: '/v1/status', signal: limit }));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ConnectionLost) return undefined;
    if (limit.aborted)
      throw new ProviderError('timeout', 'the daemon takes no commands', { hint: `see ${paths.log}`, cause: error });
    throw error;
  }
}

/**
 * Returns once a daemon of our version takes commands. Many may do this at the same time: one starts it, the others wait, and take over
 * if that one dies.
 * @throws ProviderError `unavailable` (with the end of its log), `unsupported` (a newer version's daemon runs).
 */
export async function ensureDaemon(options: LaunchOptions, signal: AbortSignal): Promise<DaemonStatus> {
  const { paths, startSeconds = START_SECONDS } = options;
  const deadline = Date.now() + startSeconds * 1000;
  const logStart = readLog(paths.log).length;
  let lock: Lock | undefined;
  try {
    for (let pause = 10; Date.now() < deadline; pause = Math.min(pause * 1.2, 100)) {
      const status = await findDaemon(paths, signal);
      if (status?.protocol === PROTOCOL) return status;
      if (status) await replace(paths, status, signal);
      lock ??= await lockOf(paths);
      if (lock) {
        const code = await startAndLook(options, deadline, signal);
        if (code === 'too late') break;
        if (code !== 0 && code !== ANOTHER_RUNS) throw failed(options, logStart, `ended with code ${String(code)}`);
      }
      await sleep(pause, undefined, { signal });
    }
  } finally {
    lock?.release();
  }
  throw failed(options, logStart, `takes no commands after ${String(startSeconds)} s`);
}

async function lockOf(paths: LocalPaths): Promise<Lock | undefined> {
  const { tryLockOnce } = await import('../control/lock.ts');
  return tryLockOnce(paths.startLock);
}

/** @returns 0 once it takes commands, else the code that it ended with. One that was asked to stop may still hold the lock. */
async function startAndLook(
  options: LaunchOptions,
  deadline: number,
  signal: AbortSignal,
): Promise<number | null | 'too late'> {
  const ended = start(options);
  for (let pause = 5; Date.now() < deadline; pause = Math.min(pause * 1.2, 50)) {
    const code = await Promise.race([ended, sleep(pause, 'runs' as const, { signal })]);
    if (code !== 'runs') return code;
    if (await findDaemon(options.paths, signal)) return 0;
  }
  return 'too late';
}

/** Our own processes are brought back by the daemon that follows. */
async function replace(paths: LocalPaths, status: DaemonStatus, signal: AbortSignal): Promise<void> {
  if (status.protocol > PROTOCOL) {
    throw new ProviderError('unsupported', `the daemon that runs is of a newer version (${status.version})`, {
      hint: 'update clusternator, or stop the daemon with the newer version',
    });
  }
  await askToStop(paths, signal);
}

/** Asks, and does not wait. That none runs is no error. */
export async function askToStop(paths: LocalPaths, signal: AbortSignal): Promise<void> {
  try {
    await ask(socketOf(paths), { method: 'POST', path: '/v1/stop', signal });
  } catch (error) {
    if (!(error instanceof ConnectionLost)) throw error;
  }
}

/** Resolves once no daemon holds the lock. Processes may take some seconds to end. */
export async function hasEnded(paths: LocalPaths, signal: AbortSignal): Promise<void> {
  const { tryLockOnce } = await import('../control/lock.ts');
  for (;;) {
    const lock = tryLockOnce(paths.lock);
    lock?.release();
    if (lock) return;
    await sleep(50, undefined, { signal });
  }
}

/** Of the variables of whoever starts it. The others may be secrets, which would stay to be read for as long as it runs. */
const KEPT = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'LANG',
  'LC_ALL',
  'TZ',
  'TMPDIR',
  'XDG_STATE_HOME',
  'XDG_RUNTIME_DIR',
  'DOCKER_HOST',
  'DOCKER_TLS_VERIFY',
  'DOCKER_CERT_PATH',
  'NODE_OPTIONS',
  'NODE_V8_COVERAGE',
  'NODE_EXTRA_CA_CERTS',
  'CLUSTERNATOR_LOCAL_PORT',
  'CLUSTERNATOR_LOCAL_DNS_PORT',
  'CLUSTERNATOR_LOCAL_EXPIRY_SECONDS',
] as const;

/** @returns Its exit code, should it end. */
function start({ env, paths, program, stateFolder }: LaunchOptions): Promise<number | null> {
  const log = openSync(paths.log, 'a', 0o600);
  const kept = KEPT.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]] as const]));
  const child = spawn(process.execPath, program ?? [fileURLToPath(new URL('../daemon/main.js', import.meta.url))], {
    cwd: '/',
    detached: true,
    env: { ...Object.fromEntries(kept), CLUSTERNATOR_STATE_HOME: stateFolder },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.unref();
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('exit', resolve);
  child.once('error', (cause) => {
    reject(
      new ProviderError('unavailable', `the daemon can't be started: ${messageOf(cause)}`, { cause, effect: 'none' }),
    );
  });
  return promise;
}

function failed({ paths }: LaunchOptions, logStart: number, why: string): ProviderError {
  const lines = readLog(paths.log).subarray(logStart).toString('utf8').trimEnd().split('\n').slice(-10);
  return new ProviderError('unavailable', [`the daemon ${why}`, ...lines.map((line) => `  | ${line}`)].join('\n'), {
    effect: 'none',
    retry: 'never',
    hint: `its whole log is ${paths.log}`,
  });
}

function readLog(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0);
  }
}
