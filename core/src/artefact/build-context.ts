import { readFile, realpath } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import type { Readable } from 'node:stream';
import { ProviderError } from '../provider/error.ts';
import { entriesOf, isInside, systemError, toText } from './files.ts';

/** What is sent to a builder. */
export interface BuildContext {
  /** A tar archive. */
  readonly archive: Readable;
  /** In the archive. */
  readonly dockerfile: string;
  readonly dockerfilePath: string;
}
export interface ContextRequest {
  /** Outside of this folder nothing is read. */
  readonly tree: string;
  /** Relative to the tree. */
  readonly context: string;
  /** Relative to the context. */
  readonly dockerfile: string;
  /** For errors, as in `service api`, and where the config says it. */
  readonly what: string;
  readonly path: string;
}
const IGNORE_FILE = '.dockerignore';

/** Packs a context as Docker's own command line does, without what its .dockerignore names.
 *  @throws ProviderError `invalid`: the context or the Dockerfile is not there, or outside of the tree. */
export async function packContext(request: ContextRequest): Promise<BuildContext> {
  const tree = await realpath(request.tree);
  const folder = await inTree(tree, join(tree, request.context), `the build context ${request.context}`, request);
  const dockerfile = await inTree(
    tree,
    join(folder, request.dockerfile),
    `the Dockerfile ${request.dockerfile}`,
    request,
  );
  const ignores = await readIgnores(folder, dockerfile, tree, request);
  const inContext = isInside(folder, dockerfile) ? relative(folder, dockerfile) : undefined;
  const name = inContext ?? `.${basename(dockerfile)}.${Date.now().toString(36)}`;
  const kept = new Set([inContext, IGNORE_FILE]); // The builder reads both itself, and then leaves them out by the same rules.
  const entries = listed(folder, (path) => !kept.has(path) && ignores(path), request);
  const { pack } = await import('tar-fs');
  const { Readable: Stream } = await import('node:stream');
  const extra = inContext === undefined ? await readFile(dockerfile) : undefined;
  const archive = pack(folder, {
    entries: [...entries],
    map: (header) => ({
      ...header,
      uid: 0,
      gid: 0,
      mode: header.type === 'directory' || header.mode & 0o111 ? 0o755 : 0o644,
    }),
    ...(extra && { finalize: false, finish: (tar) => tar.entry({ name }, extra, () => tar.finalize()) }),
  });
  return { archive: Stream.from(archive), dockerfile: name, dockerfilePath: dockerfile };
}

/** Files and links, and folders that are empty: the others come with what is in them. */
function* listed(folder: string, isIgnored: (path: string) => boolean, { what }: ContextRequest): Generator<string> {
  for (const entry of entriesOf(folder)) {
    const path = toText(entry.path);
    if (isIgnored(path)) continue;
    if (path.includes('\uFFFD'))
      throw new ProviderError('invalid', `${what}: the name of ${path} is not UTF-8, which Docker does not take`);
    if (entry.kind !== 'folder' || entriesOf(folder, entry.path).next().done) yield path;
  }
}

async function inTree(
  tree: string,
  path: string,
  name: string,
  { what, path: where }: ContextRequest,
): Promise<string> {
  if (!isInside(tree, path))
    throw new ProviderError('invalid', `${name} of ${what} is outside of the repository`, { path: where });
  try {
    const real = await realpath(path);
    if (isInside(tree, real)) return real;
  } catch (error) {
    if (systemError(error)?.code !== 'ENOENT' && systemError(error)?.code !== 'ENOTDIR') throw error;
    throw new ProviderError('invalid', `${name} of ${what} is not there`, { path: where });
  }
  throw new ProviderError('invalid', `${name} of ${what} is a link that leads out of the repository`, { path: where });
}

/** One that belongs to the Dockerfile alone goes before the context's. @see https://docs.docker.com/build/concepts/context/#dockerignore-files */
async function readIgnores(
  folder: string,
  dockerfile: string,
  tree: string,
  request: ContextRequest,
): Promise<(path: string) => boolean> {
  const candidates = [`${dockerfile}${IGNORE_FILE}`, join(folder, IGNORE_FILE)];
  for (const file of candidates) {
    const real = await realpath(file).catch(() => undefined);
    if (real === undefined) continue;
    await inTree(tree, file, `the ${IGNORE_FILE}`, request);
    const { default: ignore } = await import('@balena/dockerignore');
    const rules = ignore.default().add(await readFile(real, 'utf8'));
    return (path) => rules.ignores(path);
  }
  return () => false;
}
