import { execFile } from 'node:child_process';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The top of the work tree that a folder is in; the folder itself where it is in none. */
export async function topOfRepository(folder: string): Promise<{ root: string; isRepository: boolean }> {
  try {
    const { stdout } = await promisify(execFile)('git', ['rev-parse', '--show-toplevel'], { cwd: folder });
    return { root: stdout.replace(/\r?\n$/, ''), isRepository: true };
  } catch {
    return { root: await realpath(folder), isRepository: false };
  }
}

/** What is written must work, so core reads it first, from a folder of its own. @throws ProviderError `invalid`. */
export async function validated(text: string, env: Readonly<Record<string, string | undefined>>): Promise<void> {
  const { loadConfig } = await import('@clusternator/core');
  const folder = await mkdtemp(join(tmpdir(), 'clusternator-init-'));
  try {
    await writeFile(join(folder, 'clusternator.config.yaml'), text);
    await loadConfig({ root: folder, env });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
