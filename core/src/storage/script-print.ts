import { createHash } from 'node:crypto';
import { readFile, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { fingerprint } from '../names/fingerprint.ts';

/** Of a command and the files of a checkout that it names. @param tree - Left out: the files are in an image, and count by their names. */
export async function scriptPrint(command: readonly string[], tree: string | undefined): Promise<string> {
  const files = await Promise.all(command.map((word) => digestOf(word, tree)));
  return fingerprint({ command, files });
}

async function digestOf(word: string, tree: string | undefined): Promise<string | null> {
  if (tree === undefined || word.startsWith('-') || word.startsWith('/')) return null;
  try {
    const [top, file] = await Promise.all([realpath(tree), realpath(join(tree, word))]);
    if (!file.startsWith(top + sep)) return null;
    return createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
  } catch {
    return null; // it is no file of the checkout
  }
}
