import { open, readFile } from 'node:fs/promises';
import { toBytes, toPath, toText } from '../artefact/files.ts';
import type { BytePath } from '../artefact/files.ts';
import type { Git } from './git.ts';

/** What a commit's files lack, for a warning. Paths, sorted. */
export interface CheckoutReport {
  /** Their folders are empty. */
  readonly submodules: readonly string[];
  /** They hold the pointer, not the file. */
  readonly lfsPointers: readonly string[];
  /** The commits that submodules stand for, by path: part of the tree, but not of its files. */
  readonly gitlinks: Readonly<Record<BytePath, string>>;
}
interface TreeEntry {
  readonly mode: string;
  readonly object: string;
  readonly size: number;
  readonly path: BytePath;
}
/** @see https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md (pointers are smaller than 1024 bytes) */
const POINTER_START = 'version https://git-lfs.github.com/spec/';
const POINTER_BYTES = { min: POINTER_START.length, max: 1024 };

/** All entries of the commit, as git tells them. */
export async function listTree(git: Git, gitDir: string, sha: string): Promise<readonly TreeEntry[] | undefined> {
  const call = { doing: `list the files of ${sha}`, cwd: gitDir };
  const result = await git.run([`--git-dir=${gitDir}`, 'ls-tree', '-r', '-z', '-l', '--full-tree', sha], call);
  if (result.code !== 0) return undefined;
  const lines = result.stdout.toString('latin1').split('\0').slice(0, -1);
  return lines.map((line) => {
    const tab = line.indexOf('\t'); // The path may have more of them.
    const [mode = '', , object = '', size = ''] = line.slice(0, tab).split(/ +/);
    return { mode, object, size: Number(size), path: line.slice(tab + 1) };
  });
}

/** Looks for submodules, and for pointers among the files that were checked out into `folder`. */
export async function inspectTree(entries: readonly TreeEntry[], folder: string): Promise<CheckoutReport> {
  const gitlinks = entries.filter((entry) => entry.mode === '160000');
  return {
    submodules: gitlinks.map((entry) => toText(entry.path)),
    lfsPointers: (await pointersAmong(entries, toBytes(folder))).map(toText),
    gitlinks: Object.fromEntries(gitlinks.map((entry) => [entry.path, entry.object])),
  };
}

async function pointersAmong(entries: readonly TreeEntry[], folder: BytePath): Promise<readonly BytePath[]> {
  const files = entries.filter((entry) => entry.mode.startsWith('100'));
  if (!(await usesLfs(files, folder))) return [];
  const found: BytePath[] = [];
  for (const { path, size } of files) {
    if (size < POINTER_BYTES.min || size > POINTER_BYTES.max) continue;
    if (await startsWith(toPath(`${folder}/${path}`), POINTER_START)) found.push(path);
  }
  return found;
}

/** Only files that a .gitattributes gives to LFS are pointers. */
async function usesLfs(files: readonly TreeEntry[], folder: BytePath): Promise<boolean> {
  for (const { path } of files) {
    if (path !== '.gitattributes' && !path.endsWith('/.gitattributes')) continue;
    if ((await readFile(toPath(`${folder}/${path}`), 'latin1')).includes('filter=lfs')) return true;
  }
  return false;
}

async function startsWith(file: Buffer, text: string): Promise<boolean> {
  await using handle = await open(file);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(text.length), 0, text.length, 0);
  return buffer.toString('latin1', 0, bytesRead) === text;
}
