import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ProviderError } from '@clusternator/core';
import { z } from 'zod';
import type { Harness } from './harness.ts';

const manifestSchema = z.object({
  name: z.string(),
  clusternator: z.object({ conformance: z.object({ harness: z.string().startsWith('./') }).optional() }).optional(),
});

/**
 * The harness of a provider package: `clusternator.conformance.harness` of its package.json names a module whose default export it is.
 * @param root - The package's folder.
 * @throws ProviderError `invalid`, naming the package.
 */
export async function loadHarness(root: string): Promise<Harness> {
  const file = path.join(root, 'package.json');
  const manifest = manifestSchema.safeParse(await readJson(file));
  if (!manifest.success) throw new ProviderError('invalid', `${file} is no package's manifest`);
  const { name, clusternator } = manifest.data;
  const entry = clusternator?.conformance?.harness;
  if (entry === undefined) {
    throw new ProviderError('invalid', `${name} names no conformance harness`, {
      path: 'clusternator.conformance.harness',
      hint: 'name the module whose default export is the harness in its package.json, as "./dist/conformance.js"',
    });
  }
  const module = await importFrom(name, path.join(root, entry));
  if (!isHarness(module)) {
    throw new ProviderError('invalid', `${name}: ${entry} has no harness as its default export`, {
      hint: 'a harness has module: import.meta.url, provider, and open()',
    });
  }
  return module;
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new ProviderError('invalid', `${file} can't be read`, { cause });
  }
}

async function importFrom(name: string, file: string): Promise<unknown> {
  try {
    const imported: unknown = await import(pathToFileURL(file).href);
    return typeof imported === 'object' && imported !== null && 'default' in imported ? imported.default : undefined;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ProviderError('invalid', `${name}: its harness can't be loaded: ${why}`, {
      hint: 'build the package first',
      cause,
    });
  }
}

/** As far as can be seen without running it. */
export function isHarness(value: unknown): value is Harness {
  return typeof value === 'object' && value !== null && 'module' in value && 'provider' in value && 'open' in value;
}
