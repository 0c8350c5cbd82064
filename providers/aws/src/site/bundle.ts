import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Call, EnvironmentSpec, Host } from '@clusternator/core/provider';
import { contentType } from 'mime-types';
import { folderOf } from './keys.ts';

const DIGEST_DIGITS = 16;
const UNKNOWN_TYPE = 'application/octet-stream';

/** A file of a site, and the object that it becomes. */
export interface SiteFile {
  readonly key: string;
  /** Where it is on this machine. */
  readonly source: string;
}

/** Where the objects of a site are: a folder for each content, so that no path ever has another, whatever caches keep. */
export function prefixOf(key: string, site: string, digest: string): string {
  const hex = digest.replace(/^sha256:/, '').slice(0, DIGEST_DIGITS);
  return `${folderOf(key)}${site}/${hex}/`;
}

/** All files of an environment's sites. */
export async function filesOf(
  spec: EnvironmentSpec,
  key: string,
  host: Host,
  call: Call,
): Promise<readonly SiteFile[]> {
  const all: SiteFile[] = [];
  for (const [site, { artefact }] of Object.entries(spec.sites)) {
    const root = await realpath(await host.folder(artefact, call));
    const prefix = prefixOf(key, site, artefact.digest);
    for await (const file of served(root, root, [])) {
      all.push({ key: prefix + file.split(path.sep).join('/'), source: path.join(root, file) });
    }
  }
  return all;
}

/** By the ending of its name, with its character set. */
export function contentTypeOf(key: string): string {
  // A name without an ending would be taken for a type.
  const known = path.posix.extname(key) === '' ? false : contentType(path.posix.basename(key));
  return known === false ? UNKNOWN_TYPE : known;
}

/** What a site serves of a folder: nothing that is hidden, or that a link puts outside. Relative to the root. */
async function* served(root: string, folder: string, above: readonly string[]): AsyncGenerator<string> {
  const real = await realpath(folder);
  if (above.includes(real)) return;
  for (const name of (await readdir(folder)).sort()) {
    if (isHidden(name)) continue;
    const file = path.join(folder, name);
    const target = await realpath(file).catch(() => undefined); // a link may lead nowhere
    if (target === undefined || !isWithin(root, target)) continue;
    const found = await stat(target);
    if (found.isDirectory()) yield* served(root, file, [...above, real]);
    else if (found.isFile()) yield path.relative(root, file);
  }
}

/** `.well-known` is public by RFC 8615. */
function isHidden(name: string): boolean {
  return name.startsWith('.') && name !== '.well-known';
}

function isWithin(root: string, file: string): boolean {
  const relative = path.relative(root, file);
  return !relative.split(path.sep).some(isHidden) && !path.isAbsolute(relative);
}
