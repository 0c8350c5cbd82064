import type { ProviderSource } from '@clusternator/core';
import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Where plugins are listed: what oclif's config tells of this installation. */
export interface Installation {
  /** The folder of this package. */
  readonly root: string;
  /** Where `plugins install` puts plugins. */
  readonly dataDir: string;
}

/** A plugin that could not be looked at. Only `doctor` and `provider list` tell; it must not disturb anything else. */
export interface BrokenPlugin {
  readonly name: string;
  readonly reason: string;
}

/** A provider, and what else its manifest says. */
export interface ProviderPackage extends ProviderSource {
  /** The file of its `doctor` hook, relative to `root`. */
  readonly doctorHook?: string;
}

export interface FoundProviders {
  readonly providers: readonly ProviderPackage[];
  readonly broken: readonly BrokenPlugin[];
}

/**
 * Finds providers among the plugins that come along and those that were installed or linked. It reads manifests and runs no code, so
 * that no plugin can break a command that does not use it.
 */
export async function findProviders(installation: Installation): Promise<FoundProviders> {
  const [own, installed] = await Promise.all([ownPlugins(installation.root), installedPlugins(installation.dataDir)]);
  const folders = [...own, ...installed];
  const looked = await Promise.all(folders.map(look));
  return {
    providers: looked.flatMap((one) => (one && 'entry' in one ? [one] : [])),
    broken: looked.flatMap((one) => (one && 'reason' in one ? [one] : [])),
  };
}

/**
 * As `findProviders`, and before them those that the project itself has among its packages: so two projects can have two versions of one.
 * @param directory - Of the project.
 */
export async function providersFor(installation: Installation, directory: string): Promise<FoundProviders> {
  const [core, { providers, broken }] = await Promise.all([import('@clusternator/core'), findProviders(installation)]);
  const own = await core.findProviders(directory);
  return { providers: core.nearestFirst(own, providers), broken };
}

interface PluginFolder {
  readonly name: string;
  readonly root: string | undefined;
  readonly comesAlong?: true;
}

async function ownPlugins(root: string): Promise<PluginFolder[]> {
  const manifest = asRecord(await readJson(join(root, 'package.json')));
  const names = asList(asRecord(manifest.oclif).plugins).filter((name) => typeof name === 'string');
  return names.map((name) => ({ name, root: folderOf(name, root), comesAlong: true }));
}

/** As `plugins install` and `plugins link` write it down. */
async function installedPlugins(dataDir: string): Promise<PluginFolder[]> {
  const manifest = asRecord(await readJson(join(dataDir, 'package.json')).catch(() => ({})));
  return asList(asRecord(manifest.oclif).plugins).flatMap((entry) => {
    const { name, type, root } = asRecord(entry);
    if (typeof name !== 'string') return [];
    if (type === 'link' && typeof root === 'string') return [{ name, root }];
    return [{ name, root: join(dataDir, 'node_modules', ...name.split('/')) }];
  });
}

async function look(folder: PluginFolder): Promise<ProviderPackage | BrokenPlugin | undefined> {
  const { name, root, comesAlong } = folder;
  if (root === undefined) return { name, reason: 'it is not installed' };
  try {
    const manifest = asRecord(await readJson(join(root, 'package.json')));
    const declared = asRecord(manifest.clusternator).provider;
    if (declared === undefined) return undefined;
    const { id, entry, sdk } = asRecord(declared);
    const version = manifest.version;
    if (typeof id !== 'string' || typeof entry !== 'string' || typeof sdk !== 'string' || typeof version !== 'string') {
      return { name, reason: 'its package.json lacks id, entry or sdk under clusternator.provider' };
    }
    const doctorHook = asRecord(asRecord(manifest.oclif).hooks).doctor;
    return {
      ...{ id, package: name, version, root, entry, sdk },
      ...(comesAlong && { comesAlong }),
      ...(typeof doctorHook === 'string' && { doctorHook }),
    };
  } catch (error) {
    return { name, reason: error instanceof Error ? error.message : String(error) };
  }
}

/** The folder of a package, looked for as Node does, whether or not it exports its manifest. */
export function folderOf(name: string, from: string): string | undefined {
  const require = createRequire(join(from, 'package.json'));
  for (const parent of require.resolve.paths(name) ?? []) {
    const manifest = join(parent, ...name.split('/'), 'package.json');
    try {
      return dirname(require.resolve(manifest));
    } catch {
      continue;
    }
  }
  return undefined;
}

async function readJson(file: string): Promise<unknown> {
  return JSON.parse(await readFile(file, 'utf8'));
}
function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
