import { readdir, realpath, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { removeCaches, type BuildCache, type CacheSettings } from '../cache/build-cache.ts';
import { cachedInstall, type InstallCache } from '../cache/cached-install.ts';
import { nearest } from '../names/nearest.ts';
import { ProviderError } from '../provider/error.ts';
import { cancelled } from '../source/git.ts';
import type { Variables } from '../source/git.ts';
import type { FilesArtefact } from './artefact.ts';
import { runCommand } from './command.ts';
import { copyTree, fileError, isInside } from './files.ts';
import { openScratch, sweepScratch } from './scratch.ts';
import type { ArtefactStore } from './store.ts';

/** What a site is built from. */
export interface SiteBuild {
  readonly name: string;
  /** The folder with the commit's files, which stays as it is. */
  readonly tree: string;
  /** Arguments, run in a copy of the tree. */
  readonly install?: readonly string[] | undefined;
  readonly installCache?: InstallCache | undefined;
  readonly build?: readonly string[] | undefined;
  /** What to serve, relative to the tree. */
  readonly dir: string;
  /** Where the copy is made. */
  readonly scratchFolder: string;
  readonly store: ArtefactStore;
  readonly owner: string;
  /** What earlier builds left. No part of the bundle. */
  readonly cache?: CacheSettings & { readonly store: BuildCache; readonly owner: string };
  readonly env: Variables;
  readonly signal: AbortSignal;
  readonly onOutput: (line: string) => void;
}
const NAMES_SHOWN = 20;
const NO_CACHE = { store: undefined, owner: '', folders: [], sizeMiB: 0 };

/** Builds a site and keeps its bundle for the owner. Nothing else stays: neither files nor processes.
 *  @throws ProviderError `unhealthy` (its install or build failed), `invalid` (its folder is not there or leads out), `quota`, `denied`, `cancelled`. */
export async function buildSite(site: SiteBuild): Promise<FilesArtefact> {
  const { name, tree, install, installCache, build, store, owner, signal } = site;
  if (!install && !build) return store.add({ folder: await servedFolder(tree, site) }, owner, signal);
  try {
    await sweepScratch(site.scratchFolder); // What a killed build left, and what it had started.
    await using scratch = await openScratch(site.scratchFolder);
    const copy = join(scratch.folder, 'tree');
    await copyTree(tree, copy, signal);
    const to = { scratch: scratch.folder, cwd: copy, env: site.env, signal, onOutput: site.onOutput };
    const { store: caches, ...settings } = site.cache ?? NO_CACHE;
    const cache = { ...settings, part: name, tree: copy, signal, tell: site.onOutput };
    if (install) {
      const run = async (): Promise<void> => {
        await caches?.restore(cache);
        await runCommand({ ...to, argv: install, what: `the install of site ${name}`, path: `sites.${name}.install` });
      };
      const goesBy = { argv: install, env: site.env, variables: {} };
      await cachedInstall({ store: caches, use: cache, installCache, ...goesBy, run });
    }
    // Again: an install may begin by removing the folder that a cache is in.
    if (build) await caches?.restore(cache);
    if (build) await runCommand({ ...to, argv: build, what: `the build of site ${name}`, path: `sites.${name}.build` });
    await caches?.save(cache);
    await removeCaches(copy, cache.folders);
    return await store.add({ folder: await servedFolder(copy, site) }, owner, signal);
  } catch (error) {
    if (signal.aborted) throw cancelled(signal, `build site ${name}`);
    throw fileError(error, `build site ${name}`);
  }
}

async function servedFolder(tree: string, { name, dir }: SiteBuild): Promise<string> {
  const path = `sites.${name}.dir`;
  const root = await realpath(tree);
  const wanted = join(root, dir);
  if (!isInside(root, wanted))
    throw new ProviderError('invalid', `the folder ${dir} of site ${name} is outside of the repository`, { path });
  const real = await realpath(wanted).catch(() => undefined);
  if (real === undefined) throw await missing(root, wanted, `the folder ${dir} of site ${name}`, path);
  if (!isInside(root, real)) {
    throw new ProviderError('invalid', `the folder ${dir} of site ${name} is a link that leads out of the repository`, {
      path,
    });
  }
  if ((await stat(real)).isDirectory()) return real;
  throw new ProviderError('invalid', `${dir} of site ${name} is a file, not a folder`, { path });
}

async function missing(root: string, wanted: string, what: string, path: string): Promise<ProviderError> {
  const [first = ''] = relative(root, wanted).split('/');
  const names = (await readdir(root)).toSorted();
  const shown = names.slice(0, NAMES_SHOWN).join(', ');
  const more = names.length > NAMES_SHOWN ? ` and ${names.length - NAMES_SHOWN} more` : '';
  const close = nearest(first, names);
  const hint =
    close === undefined || close === first ? 'dir is the folder that the build writes to' : `did you mean ${close}?`;
  return new ProviderError('invalid', `${what} is not there; there are: ${shown}${more}`, { path, hint });
}
