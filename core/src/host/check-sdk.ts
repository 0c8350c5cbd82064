import satisfies from 'semver/functions/satisfies.js';
import ltr from 'semver/ranges/ltr.js';
import validRange from 'semver/ranges/valid.js';
import { ProviderError } from '../provider/error.ts';
import type { ProviderSource } from './discovery.ts';
import { CORE_VERSION } from './version.ts';

/** @throws ProviderError `invalid`: the provider was made for another core. */
export function checkSdk(source: ProviderSource): void {
  const { id, sdk } = source;
  if (satisfies(CORE_VERSION, sdk, { includePrerelease: true })) return;
  const label = `${source.package}@${source.version}`;
  throw new ProviderError('invalid', `provider "${id}" (${label}) was made for core ${sdk}, this is ${CORE_VERSION}`, {
    path: 'provider',
    hint: wayOutOfSdk(source),
  });
}

export function wayOutOfSdk(source: Pick<ProviderSource, 'package' | 'sdk'>): string {
  if (validRange(source.sdk) === null) return `its sdk range is no range: tell the author of ${source.package}`;
  return ltr(CORE_VERSION, source.sdk)
    ? `install a newer clusternator: npm install --global clusternator@latest. Or an older version of ${source.package}`
    : `install a newer version of it: clusternator plugins install ${source.package}`;
}
