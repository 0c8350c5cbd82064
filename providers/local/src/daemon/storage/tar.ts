import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

/** A folder's content as an archive. Fails as a stream does, also when only the end of it is missing. */
export function streamOf(folder: string, signal: AbortSignal): Readable {
  const env = { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C' };
  const tar = spawn('tar', ['-C', folder, '-c', '.'], { env, signal, stdio: ['ignore', 'pipe', 'ignore'] });
  tar.on('error', (error) => tar.stdout.destroy(error));
  tar.once('exit', (code) => {
    if (code !== 0) tar.stdout.destroy(new Error(`tar ended with code ${String(code)}`));
  });
  return tar.stdout;
}
