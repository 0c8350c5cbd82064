import { randomUUID } from 'node:crypto';
import { mkdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Check } from './check.ts';

const LITTLE_SPACE_GIB = 1;

/** The state folder can be written, is ours alone, and its disk has room. */
export async function stateChecks(folder: string): Promise<Check[]> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const probe = join(folder, `.doctor-${randomUUID()}`);
    await writeFile(probe, '');
    await rm(probe);
  } catch (error) {
    const message = `state can't be written: ${error instanceof Error ? error.message : String(error)}`;
    return [
      {
        name: 'state',
        state: 'fail',
        message,
        hint: 'make the folder writable, or choose another with CLUSTERNATOR_STATE_HOME',
      },
    ];
  }
  return [await ownership(folder), await space(folder)];
}

async function ownership(folder: string): Promise<Check> {
  const { mode, uid } = await stat(folder);
  const mine = process.getuid === undefined || uid === process.getuid();
  if (!mine)
    return {
      name: 'state',
      state: 'warn',
      message: `${folder} belongs to another user`,
      hint: `chown it, or choose another folder with CLUSTERNATOR_STATE_HOME`,
    };
  if ((mode & 0o077) !== 0) {
    return {
      name: 'state',
      state: 'warn',
      message: `${folder} is open to other users of this machine`,
      hint: `chmod 700 '${folder}'`,
    };
  }
  return { name: 'state', state: 'ok', message: `state is in ${folder}` };
}

async function space(folder: string): Promise<Check> {
  const { bavail, bsize } = await statfs(folder);
  const freeGiB = (bavail * bsize) / 2 ** 30;
  const message = `${freeGiB.toFixed(1)} GiB are free for state and artefacts`;
  if (freeGiB >= LITTLE_SPACE_GIB) return { name: 'disk', state: 'ok', message };
  return { name: 'disk', state: 'warn', message, hint: 'free some space: clusternator gc' };
}
