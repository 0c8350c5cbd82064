import { backUpDue, destroyExpired, readProviderSource } from '@clusternator/core/expiry';
import { ProviderError } from '@clusternator/core/provider';
import { fileURLToPath } from 'node:url';
import { stateFolderOf } from '../control/paths.ts';
import { messageOf } from '../control/failure.ts';
import { logLine } from './daemon-log.ts';

/** Started by the daemon, with a project and a stage: destroys what is past its time there, and takes the backups that are due. Its output is the daemon's log. */
async function main([project = '', stage = '']: readonly string[]): Promise<void> {
  const provider = await readProviderSource(fileURLToPath(new URL('../..', import.meta.url)));
  if (!provider) throw new ProviderError('internal', 'the package of the local provider has no manifest');
  const stopping = new AbortController();
  process.once('SIGTERM', () => {
    stopping.abort();
  });
  const env = process.env;
  const { signal } = stopping;
  const stateFolder = stateFolderOf(env);
  const options = { stateFolder, project, stage, provider, env, signal, emit: () => undefined };
  const items = await destroyExpired(options);
  for (const { id, why, done, error } of items) {
    const what = `environment ${id} of ${project} (stage ${stage}) ${why}`;
    if (error !== undefined) {
      logLine(`${what}, and can't be destroyed: ${error}`);
      process.exitCode = 1;
    } else if (done) logLine(`${what}: destroyed`);
  }
  for (const { volume, state, snapshot = '', missed, message = '' } of await backUpDue(options)) {
    const what = `backup of volume ${volume} of ${project} (stage ${stage})`;
    if (state === 'failed') {
      logLine(`${what} failed: ${message}`);
      process.exitCode = 1;
    } else if (state === 'taken')
      logLine(`${what}: ${snapshot}${missed > 0 ? `, after ${String(missed)} missed` : ''}`);
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  logLine(`can't do what is due: ${messageOf(error)}`);
  process.exitCode = 1;
}
