import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { codeOf } from '../config/cause.ts';
import type { ProviderSource } from './discovery.ts';

/** An exit code that nothing else has: the import came to its end. */
const LOADED = 86;
const PROGRAM = `await import(process.argv[1]); process.exit(${String(LOADED)});`;

/**
 * Imports a package in a process of its own, once each time it was changed: an import that never lets go would take this process with it, and
 * one that ends the process would end this one.
 * @returns Why it must not be imported here. Undefined: it may, also where its import fails, which this process can tell better.
 */
export async function whyNotImport(
  source: ProviderSource,
  options: { readonly knownFolder: string; readonly seconds: number },
): Promise<string | undefined> {
  const file = join(source.root, source.entry);
  const found = await stat(file).catch(() => undefined);
  if (!found) return undefined;
  const note = join(options.knownFolder, createHash('sha256').update(file).digest('hex'));
  const state = `${source.version} ${String(found.mtimeMs)} ${String(found.size)}`;
  if ((await readFile(note, 'utf8').catch(() => undefined)) === state) return undefined;
  const ended = await importElsewhere(pathToFileURL(file).href, options.seconds);
  if (ended === 'late') return `its import did not end within ${String(options.seconds)} s`;
  if (ended === 'left') return 'its import ends the process';
  if (ended === 'loaded') {
    await mkdir(options.knownFolder, { recursive: true, mode: 0o700 }).catch(ignoreReadOnly);
    await writeFile(note, state, { mode: 0o600 }).catch(ignoreReadOnly);
  }
  return undefined;
}

type Ending = 'loaded' | 'failed' | 'late' | 'left';

function importElsewhere(url: string, seconds: number): Promise<Ending> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM, url], { stdio: 'ignore' });
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, seconds * 1000);
    child.once('error', () => resolve('failed'));
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      if (isLate || code === UNSETTLED) resolve('late');
      else if (code === LOADED) resolve('loaded');
      else resolve(code === 0 || signal !== null ? 'left' : 'failed');
    });
  });
}

/** Node's own: a top-level await that nothing will ever end. @see https://nodejs.org/api/process.html#exit-codes */
const UNSETTLED = 13;

/** Then it is tried again the next time. */
function ignoreReadOnly(cause: unknown): void {
  if (!['EROFS', 'EACCES', 'EPERM', 'ENOSPC', 'ENOTDIR'].includes(codeOf(cause) ?? '')) throw cause;
}
