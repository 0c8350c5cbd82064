import { lstat, mkdir, readFile, readdir, realpath, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { removeFolder, systemError } from '../artefact/files.ts';
import { ProviderError } from '../provider/error.ts';
import { cacheFolder, copyCache, type CopyOptions } from './copy.ts';

/** Scripts are smaller. */
const SCRIPT_BYTES = 64 * 1024;

/**
 * Copies the folders that an install made, those that there are, below `to`.
 * @returns Their bytes. @throws ProviderError `invalid`: not all of it can be copied, or it would not work elsewhere; `quota`.
 */
export async function copyOutputs(
  tree: string,
  to: string,
  outputs: readonly string[],
  options: CopyOptions,
): Promise<number> {
  const root = await realpath(tree);
  await mkdir(to, { recursive: true });
  let bytes = 0;
  for (const output of outputs) {
    const kind = await lstat(join(root, output)).catch(() => undefined);
    if (!kind) continue;
    const source = await cacheFolder(root, output, false);
    if (source !== join(root, output)) throw new ProviderError('invalid', `${output} is no folder of the checkout`);
    await refuseOwnPlace(source, [root, tree], options.signal);
    const left = { ...options, maxBytes: options.maxBytes - bytes, within: root, isWhole: true };
    bytes += await copyCache(source, join(to, output), left);
  }
  return bytes;
}

/** Moves them into a checkout, in the place of what is there. One that the install did not make is not there afterwards. */
export async function putOutputs(copy: string, tree: string, outputs: readonly string[]): Promise<void> {
  const root = await realpath(tree);
  for (const output of outputs) {
    const above = dirname(output);
    const folder = above === '.' ? root : await cacheFolder(root, above, true);
    if (folder !== join(root, above)) throw new ProviderError('invalid', `${above} is no folder of the checkout`);
  }
  for (const output of outputs) {
    await removeFolder(join(root, output));
    await rename(join(copy, output), join(root, output)).catch((error: unknown) => {
      if (systemError(error)?.code !== 'ENOENT') throw error;
    });
  }
}

/** What is written into programs is where they were installed, as a virtual environment of Python does: they would run there. */
async function refuseOwnPlace(folder: string, places: readonly string[], signal: AbortSignal): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    signal.throwIfAborted();
    const file = join(entry.parentPath, entry.name);
    const { mode, size } = await lstat(file);
    if ((mode & 0o111) === 0 || size > SCRIPT_BYTES) continue;
    const text = await readFile(file, 'latin1');
    if (places.some((place) => text.includes(Buffer.from(place).toString('latin1'))))
      throw new ProviderError('invalid', `${entry.name} has the folder in it that it was installed in`);
  }
}
