import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { createReadStream, readFileSync, readlinkSync } from 'node:fs';
import { entriesOf, toBytes, toPath } from './files.ts';
import type { BytePath, Entry } from './files.ts';

/** Read at once up to this size. */
const SMALL_BYTES = 1024 * 1024;

/** `sha256:…` over path, mode and content of everything in a folder, sorted. The same files give the same digest on any machine. */
export async function bundleDigest(
  folder: string,
  signal?: AbortSignal,
): Promise<{ readonly digest: string; readonly bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for (const entry of entriesOf(folder)) {
    signal?.throwIfAborted();
    bytes += entry.size;
    hash.update(toPath(`${entry.path}\0${modeOf(entry)} `));
    if (entry.kind === 'file') {
      hash.update(`${entry.size}\0`);
      await addContent(hash, folder, entry);
    } else if (entry.kind === 'link') {
      const target = linkTarget(folder, entry.path);
      hash.update(`${target.length}\0`).update(target);
    } else {
      hash.update('0\0');
    }
  }
  return { digest: `sha256:${hash.digest('hex')}`, bytes };
}

/**
 * The id that git gives to a tree of these files. It needs nothing but the folder and the commits that submodules stand for, whose
 * folders are empty.
 * @see https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
 */
export async function gitTreeId(folder: string, gitlinks: Readonly<Record<BytePath, string>>): Promise<string> {
  const trees = new Map<BytePath, TreeItem[]>([['', []]]);
  for (const entry of entriesOf(folder)) {
    const gitlink = gitlinks[entry.path];
    if (gitlink !== undefined)
      itemsOf(trees, entry.path).push({ name: nameOf(entry.path), mode: '160000', id: gitlink });
    else if (entry.kind === 'folder') trees.set(entry.path, []);
    else
      itemsOf(trees, entry.path).push({
        name: nameOf(entry.path),
        mode: modeOf(entry),
        id: await blobId(folder, entry),
      });
  }
  // Children come after their parents above, so backwards every folder is complete when its turn comes.
  for (const [path, items] of [...trees].toReversed()) {
    if (path !== '' && items.length > 0)
      itemsOf(trees, path).push({ name: nameOf(path), mode: '40000', id: treeId(items) });
  }
  return treeId(trees.get('') ?? []);
}

/** Says of a folder's files whether any was touched: content, mode and place of a file can't change without its inode or ctime, which
 *  only the kernel sets. It reads no file. */
export function sealOf(folder: string): string {
  const hash = createHash('sha256');
  for (const { path, kind, inode, size, changedNanoseconds } of entriesOf(folder)) {
    hash.update(
      toPath(kind === 'folder' ? `${path}\0folder\n` : `${path}\0${kind} ${inode} ${size} ${changedNanoseconds}\n`),
    );
  }
  return hash.digest('hex');
}

interface TreeItem {
  readonly name: BytePath;
  readonly mode: string;
  readonly id: string;
}

function treeId(items: readonly TreeItem[]): string {
  const sorted = items.toSorted((a, b) => (sortName(a) < sortName(b) ? -1 : 1));
  const body = sorted.flatMap(({ mode, name, id }) => [toPath(`${mode} ${name}\0`), Buffer.from(id, 'hex')]);
  return gitId('tree', Buffer.concat(body));
}

/** Git sorts a folder as if its name ended with a slash. */
const sortName = ({ name, mode }: TreeItem): BytePath => (mode === '40000' ? `${name}/` : name);

async function blobId(folder: string, entry: Entry): Promise<string> {
  if (entry.kind === 'link') return gitId('blob', linkTarget(folder, entry.path));
  const hash = createHash('sha1').update(`blob ${entry.size}\0`);
  await addContent(hash, folder, entry);
  return hash.digest('hex');
}

function gitId(type: string, body: Buffer): string {
  return createHash('sha1').update(`${type} ${body.length}\0`).update(body).digest('hex');
}

async function addContent(hash: Hash, folder: string, { path, size }: Entry): Promise<void> {
  const file = toPath(`${toBytes(folder)}/${path}`);
  if (size <= SMALL_BYTES) {
    hash.update(readFileSync(file));
    return;
  }
  // What a stream of bytes yields is a Buffer.
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
}

function linkTarget(folder: string, path: BytePath): Buffer {
  return readlinkSync(toPath(`${toBytes(folder)}/${path}`), { encoding: 'buffer' });
}

function itemsOf(trees: Map<BytePath, TreeItem[]>, path: BytePath): TreeItem[] {
  return trees.get(path.slice(0, Math.max(0, path.lastIndexOf('/')))) ?? [];
}

const nameOf = (path: BytePath): BytePath => path.slice(path.lastIndexOf('/') + 1);

/** Only what git keeps of a mode, so that a umask makes no difference. */
function modeOf(entry: Entry): string {
  if (entry.kind === 'folder') return '40000';
  if (entry.kind === 'link') return '120000';
  return entry.executable ? '100755' : '100644';
}
