import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf } from '../engine/thrown.ts';
import { ProviderError } from '../provider/error.ts';
import { PROVIDER, type Provider } from '../provider/provider.ts';
import type { ProviderSource } from './discovery.ts';

/** How long an import may take. */
export const IMPORT_SECONDS = 10;

/** What each part of a provider has to be. Zod's own types are not asked for by class: a package may bring a copy of its own. */
const PARTS: Readonly<Record<string, (value: unknown) => boolean>> = {
  id: (value) => typeof value === 'string',
  config: (value) => isObject(value) && 'safeParse' in value && typeof value.safeParse === 'function',
  examples: isObject,
  capabilities: (value) => typeof value === 'function',
  permissions: (value) => typeof value === 'function',
  errorOf: (value) => typeof value === 'function',
  drivers: isObject,
};

/**
 * Imports a provider package and looks at what it exports.
 * @throws ProviderError `invalid`, naming the package: it throws, does not end, or exports something else.
 */
export async function importProvider(source: ProviderSource, seconds: number, knownFolder?: string): Promise<Provider> {
  const label = `${source.package}@${source.version}`;
  if (knownFolder !== undefined && source.comesAlong !== true) {
    const { whyNotImport } = await import('./try-import.ts');
    const why = await whyNotImport(source, { knownFolder, seconds });
    if (why !== undefined) throw unusable(source, label, why);
  }
  const exported = await importEntry(source, label, seconds);
  if (!isMarked(exported)) {
    throw new ProviderError('invalid', `${label} does not export a provider made by defineProvider`, {
      path: 'provider',
      hint: 'its default export must be what defineProvider returns',
    });
  }
  const wrong = Object.entries(PARTS).flatMap(([name, fits]) => (fits(partOf(exported, name)) ? [] : [name]));
  if (wrong.length > 0) {
    throw new ProviderError('invalid', `${label} exports a provider without a usable ${wrong.join(', ')}`, {
      path: 'provider',
      hint: `it is broken: tell its author, or install another version of ${source.package}`,
    });
  }
  return exported as unknown as Provider; // marked by defineProvider, and looked at above
}

async function importEntry(source: ProviderSource, label: string, seconds: number): Promise<unknown> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new Error(`its import did not end within ${String(seconds)} s`));
  }, seconds * 1000);
  try {
    const imported: unknown = await Promise.race([import(pathToFileURL(join(source.root, source.entry)).href), late]);
    return isObject(imported) && 'default' in imported ? unwrap(imported.default) : undefined;
  } catch (cause) {
    throw unusable(source, label, messageOf(cause), cause);
  } finally {
    clearTimeout(timer);
  }
}

function unusable(source: ProviderSource, label: string, why: string, cause?: unknown): ProviderError {
  return new ProviderError('invalid', `provider "${source.id}" (${label}) can't be loaded: ${why}`, {
    path: 'provider',
    hint: `install it again, or another version: clusternator plugins install ${source.package}`,
    ...(cause !== undefined && { cause }),
  });
}

/** A CommonJS package's default export is its `module.exports`, which may hold a `default` of its own. */
function unwrap(value: unknown): unknown {
  return isObject(value) && !(PROVIDER in value) && 'default' in value ? value.default : value;
}

function isMarked(value: unknown): value is object {
  return isObject(value) && PROVIDER in value;
}

function partOf(value: object, name: string): unknown {
  return name in value ? value[name as keyof typeof value] : undefined; // any name: it is looked at above
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
