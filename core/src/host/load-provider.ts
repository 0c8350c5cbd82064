import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import satisfies from 'semver/functions/satisfies.js';
import { nearest } from '../names/nearest.ts';
import { ProviderError } from '../provider/error.ts';
import { PROVIDER, type Provider } from '../provider/provider.ts';
import type { ProviderSource } from './discovery.ts';
import { CORE_VERSION } from './version.ts';

const IMPORT_SECONDS = 30;

/**
 * Imports the one provider that a project chose.
 * @throws ProviderError `invalid` for an id that no package has, a package made for another core, one that can't be imported, and one
 *   that does not export what its manifest says. Each names the package.
 */
export async function loadProvider(sources: readonly ProviderSource[], id: string): Promise<Provider> {
  const named = sources.filter((source) => source.id === id);
  const source = named[0];
  if (!source) throw unknownProvider(sources, id);
  if (named.length > 1) {
    const packages = named.map((one) => one.package).join(' and ');
    throw new ProviderError('invalid', `provider "${id}" is claimed by ${packages}`, {
      path: 'provider',
      hint: 'uninstall one of them: clusternator plugins uninstall <package>',
    });
  }
  const label = `${source.package}@${source.version}`;
  if (!satisfies(CORE_VERSION, source.sdk, { includePrerelease: true })) {
    throw new ProviderError(
      'invalid',
      `provider "${id}" (${label}) was made for core ${source.sdk}, this is ${CORE_VERSION}`,
      {
        path: 'provider',
        hint: `install a version of ${source.package} for this one, or the clusternator that it wants`,
      },
    );
  }
  const exported = await importEntry(source, label);
  if (!isProvider(exported)) {
    throw new ProviderError('invalid', `${label} does not export a provider made by defineProvider`, {
      path: 'provider',
      hint: 'its default export must be what defineProvider returns',
    });
  }
  if (exported.id !== id) {
    throw new ProviderError('invalid', `${label} says that it is "${id}", but exports "${exported.id}"`, {
      path: 'provider',
    });
  }
  return exported;
}

function unknownProvider(sources: readonly ProviderSource[], id: string): ProviderError {
  const ids = sources.map((source) => source.id);
  const near = nearest(id, ids);
  return new ProviderError('invalid', `there is no provider "${id}" here${near ? `; did you mean "${near}"?` : ''}`, {
    path: 'provider',
    hint: `installed: ${ids.join(', ') || 'none'}. To add one: clusternator plugins install clusternator-provider-${id}`,
  });
}

async function importEntry(source: ProviderSource, label: string): Promise<unknown> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new Error(`its import did not end within ${String(IMPORT_SECONDS)} s`));
  }, IMPORT_SECONDS * 1000);
  try {
    const imported: unknown = await Promise.race([import(pathToFileURL(join(source.root, source.entry)).href), late]);
    return typeof imported === 'object' && imported !== null && 'default' in imported
      ? unwrap(imported.default)
      : undefined;
  } catch (cause) {
    throw new ProviderError('invalid', `provider "${source.id}" (${label}) can't be loaded: ${messageOf(cause)}`, {
      path: 'provider',
      hint: `install it again: clusternator plugins install ${source.package}`,
      cause,
    });
  } finally {
    clearTimeout(timer);
  }
}

/** A CommonJS package's default export is its `module.exports`, which may hold a `default` of its own. */
function unwrap(value: unknown): unknown {
  return typeof value === 'object' && value !== null && !(PROVIDER in value) && 'default' in value
    ? value.default
    : value;
}

function isProvider(value: unknown): value is Provider {
  return typeof value === 'object' && value !== null && PROVIDER in value && 'id' in value && 'drivers' in value;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
