import { nearest } from '../names/nearest.ts';
import { ProviderError } from '../provider/error.ts';
import type { Provider } from '../provider/provider.ts';
import type { ProviderSource } from './discovery.ts';
import { IMPORT_SECONDS, importProvider } from './import-provider.ts';
import { CORE_VERSION } from './version.ts';
import { checkAllowed, checkIntegrity, type ProviderPolicy } from './provider-policy.ts';

/** How a provider is loaded. */
export interface LoadProviderOptions {
  /** What may be loaded: all of them have to agree. */
  readonly policies?: readonly ProviderPolicy[];
  /** Where it is remembered which packages can be imported. Left out: none is tried in a process of its own first. */
  readonly knownFolder?: string;
  /** Left out: 10. */
  readonly importSeconds?: number;
}

/**
 * Imports the one provider that a project chose.
 * @throws ProviderError `refused` by a policy, before any of its code runs; `invalid` for an id that no package has, a package made for another
 *   core, one that can't be imported, and one that does not export what its manifest says. Each names the package.
 */
export async function loadProvider(
  sources: readonly ProviderSource[],
  id: string,
  { policies = [], knownFolder, importSeconds = IMPORT_SECONDS }: LoadProviderOptions = {},
): Promise<Provider> {
  checkAllowed(policies, id);
  const source = sourceOf(sources, id);
  // What compares versions is not loaded for a provider of the same release.
  if (source.sdk !== `^${CORE_VERSION}`) (await import('./check-sdk.ts')).checkSdk(source);
  await checkIntegrity(policies, source);
  const exported = await importProvider(source, importSeconds, knownFolder);
  if (exported.id !== id) {
    const label = `${source.package}@${source.version}`;
    throw new ProviderError('invalid', `${label} says that it is "${id}", but exports "${exported.id}"`, {
      path: 'provider',
      hint: `tell its author, or uninstall it: clusternator plugins uninstall ${source.package}`,
    });
  }
  return exported;
}

/** What to do about a provider that was made for another core. */
export async function wayOutOfSdk(source: Pick<ProviderSource, 'package' | 'sdk'>): Promise<string> {
  return (await import('./check-sdk.ts')).wayOutOfSdk(source);
}

function sourceOf(sources: readonly ProviderSource[], id: string): ProviderSource {
  const named = sources.filter((source) => source.id === id);
  const source = named[0];
  if (!source) throw unknownProvider(sources, id);
  if (named.length === 1) return source;
  const packages = named.map((one) => one.package).join(' and ');
  throw new ProviderError('invalid', `provider "${id}" is claimed by ${packages}`, {
    path: 'provider',
    hint: 'uninstall one of them: clusternator plugins uninstall <package>',
  });
}

function unknownProvider(sources: readonly ProviderSource[], id: string): ProviderError {
  const ids = sources.map((source) => source.id);
  const near = nearest(id, ids);
  return new ProviderError('invalid', `there is no provider "${id}" here${near ? `; did you mean "${near}"?` : ''}`, {
    path: 'provider',
    hint: `installed: ${ids.join(', ') || 'none'}. To add one: clusternator plugins install clusternator-provider-${id}`,
  });
}
