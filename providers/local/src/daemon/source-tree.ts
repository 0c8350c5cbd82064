import { realpath, lstat, mkdir, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { ProviderError } from '@clusternator/core/provider';
import { codeOf } from '../control/failure.ts';
import { runProgram } from './run-program.ts';

/**
 * Copies an artefact's files, where they can be written to. `cp` shares the blocks of both where the file system can, and takes any name
 * that a file can have.
 * @param target - What is there already is replaced.
 * @throws ProviderError `not-found` (no such artefact), `quota` (the disk is full), `cancelled`.
 */
export async function copyTree(source: string, target: string, signal: AbortSignal): Promise<void> {
  await removeTree(target);
  await mkdir(target, { recursive: true, mode: 0o700 });
  const share = process.platform === 'darwin' ? ['-Rpc'] : ['-a', '--reflink=auto'];
  await runProgram(['cp', ...share, `${source}/.`, target], { signal });
  await runProgram(['chmod', '-R', 'u+w', target], { signal });
}

/** Also of folders that can't be written to. To remove what is gone succeeds. */
export async function removeTree(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    await runProgram(['chmod', '-R', 'u+rwx', folder], { signal: new AbortController().signal });
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/**
 * A folder inside a tree, where no link leads out of it.
 * @throws ProviderError `invalid`, `not-found`.
 */
export async function folderIn(tree: string, directory: string): Promise<string> {
  const inside = path.resolve(tree, directory);
  const root = await realpath(tree);
  const real = await realpath(inside).catch(() => undefined);
  if (real === undefined) throw new ProviderError('not-found', `the source tree has no folder "${directory}"`);
  if (real !== root && !real.startsWith(root + path.sep)) {
    throw new ProviderError('invalid', `"${directory}" leads out of the source tree`);
  }
  return inside;
}

/**
 * Lets a process find a volume at a path of its source tree, by a link.
 * @throws ProviderError `invalid` (outside of the tree, or something else is there).
 */
export async function linkVolume(tree: string, mountPath: string, volume: string): Promise<void> {
  const link = path.join(tree, path.join('/', mountPath));
  if (link === path.join(tree, '/')) throw new ProviderError('invalid', "a volume can't be the whole source tree");
  await makeFoldersIn(tree, path.relative(tree, path.dirname(link)));
  const there = await lstat(link).catch(() => undefined);
  if (there?.isSymbolicLink()) await rm(link);
  else if (there) {
    throw new ProviderError(
      'invalid',
      `the source tree has something of its own at ${mountPath}, where a volume is to be`,
      {
        hint: 'mount it elsewhere, or remove that path from the repository',
      },
    );
  }
  await symlink(volume, link);
}

/** One by one: none is made below a link that leads out. */
async function makeFoldersIn(tree: string, directory: string): Promise<void> {
  const names = directory.split(path.sep).filter((name) => name !== '');
  for (const [at] of names.entries()) {
    const folder = names.slice(0, at + 1).join(path.sep);
    await mkdir(path.join(tree, folder)).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
    });
    await folderIn(tree, folder);
  }
}
