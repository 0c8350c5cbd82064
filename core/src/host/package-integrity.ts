import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ProviderError } from '../provider/error.ts';

/** What is not the package's own: packages that it needs, and the history of one that is developed. */
const NOT_ITS_OWN: ReadonlySet<string> = new Set(['node_modules', '.git']);

/**
 * `sha512-…` over the path and content of every file of an installed package, without the packages that it needs. It is the same wherever the
 * same tarball was installed.
 * @throws ProviderError `invalid` for a package with links, whose content could be anywhere.
 */
export async function packageIntegrity(root: string): Promise<string> {
  const hash = createHash('sha512');
  const files = await filesOf(root, '');
  for (const file of files.toSorted((a, b) => (a < b ? -1 : 1))) {
    const content = await readFile(join(root, file));
    hash.update(`${file}\0${String(content.byteLength)}\0`).update(content);
  }
  return `sha512-${hash.digest('base64')}`;
}

async function filesOf(root: string, folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
    if (NOT_ITS_OWN.has(entry.name)) continue;
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) found.push(...(await filesOf(root, path)));
    else if (entry.isFile()) found.push(path);
    else {
      throw new ProviderError('invalid', `${join(root, path)} is no plain file, so that nothing can vouch for it`, {
        hint: 'install the provider from its tarball or from a registry, and pin that',
      });
    }
  }
  return found;
}
