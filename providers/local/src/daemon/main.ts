import { existsSync } from 'node:fs';
import { openLocalPaths, stateFolderOf } from '../control/paths.ts';
import { boundDaemonLog, logLine } from './daemon-log.ts';
import { tryLock } from '../control/lock.ts';
import { messageOf, stackOf } from '../control/failure.ts';

/** Another daemon has the lock: not a failure of whoever started this one. */
export const EXIT_ANOTHER_RUNS = 75;

/** The background process of the local provider. Its stdout and stderr are its log. */
async function main(): Promise<void> {
  process.title = 'clusternator-daemon';
  const stateFolder = stateFolderOf(process.env);
  const paths = openLocalPaths(stateFolder);
  const lock = await tryLock(paths.lock);
  if (!lock) {
    process.exitCode = EXIT_ANOTHER_RUNS;
    return;
  }
  boundDaemonLog(paths.log);
  logLine(`starting for ${stateFolder}`);
  const { Daemon } = await import('./daemon.ts');
  const stopping = Promise.withResolvers<string>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      stopping.resolve(signal);
    });
  }
  process.on('SIGHUP', () => undefined); // the terminal of whoever started it is closed
  // A fault of one connection is no reason to end everybody's environments.
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      logLine(`unexpected: ${stackOf(error)}`);
    });
  }
  const daemon = await Daemon.start({
    paths,
    stateFolder,
    env: process.env,
    log: logLine,
    onStop: () => {
      stopping.resolve('a client');
    },
  });
  const looking = setInterval(() => {
    boundDaemonLog(paths.log);
    if (!existsSync(paths.lock)) stopping.resolve('nobody: its state folder is gone');
  }, 5000);
  logLine(`ready at ${paths.socket}`);
  logLine(`stopping, asked by ${await stopping.promise}`);
  clearInterval(looking);
  await daemon.stop();
  lock.release();
  logLine('stopped');
  process.exit(0);
}

try {
  await main();
} catch (error) {
  const hint = typeof error === 'object' && error !== null && 'detail' in error ? hintOf(error.detail) : '';
  logLine(`failed: ${messageOf(error)}${hint}`);
  process.exit(1);
}

function hintOf(detail: unknown): string {
  const hint = typeof detail === 'object' && detail !== null && 'hint' in detail ? detail.hint : undefined;
  return typeof hint === 'string' ? ` (${hint})` : '';
}
