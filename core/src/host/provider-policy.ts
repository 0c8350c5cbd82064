import { ProviderError } from '../provider/error.ts';
import type { ProviderSource } from './discovery.ts';

/** What a config says of the providers that may be loaded: its key `providers`. */
export interface ProviderPolicy {
  /** The only ids that may be loaded. Left out: any. */
  readonly allow?: readonly string[] | undefined;
  /** By id: what `provider show` prints as the integrity of the package. Checked before any of its code runs. */
  readonly integrity?: Readonly<Record<string, string>> | undefined;
}

/** @throws ProviderError `refused`: a policy does not allow the id. */
export function checkAllowed(policies: readonly ProviderPolicy[], id: string): void {
  for (const { allow } of policies) {
    if (!allow || allow.includes(id)) continue;
    throw new ProviderError('refused', `provider "${id}" is not among providers.allow of the config`, {
      path: 'providers.allow',
      hint: `allowed: ${allow.join(', ') || 'none'}. If it is to be trusted, add it there`,
    });
  }
}

/** @throws ProviderError `refused`: the package is not the one that was pinned. Nothing of it has run. */
export async function checkIntegrity(policies: readonly ProviderPolicy[], source: ProviderSource): Promise<void> {
  const pins = policies.flatMap(({ integrity }) => integrity?.[source.id] ?? []);
  if (pins.length === 0) return;
  const { packageIntegrity } = await import('./package-integrity.ts');
  const found = await packageIntegrity(source.root);
  const expected = pins.find((pin) => pin !== found);
  if (expected === undefined) return;
  throw new ProviderError(
    'refused',
    `provider "${source.id}" (${source.package}@${source.version}) is not what the config pins: its integrity is ${found}, not ${expected}`,
    {
      path: `providers.integrity.${source.id}`,
      hint: `install the version that was pinned; if this one is to be trusted, pin ${found}`,
    },
  );
}

/**
 * For whoever runs something of a provider other than its entry.
 * @throws ProviderError `refused`: the policy does not allow the provider, or its package is not the one that was pinned.
 */
export async function checkProviderPolicy(policy: ProviderPolicy, source: ProviderSource): Promise<void> {
  checkAllowed([policy], source.id);
  await checkIntegrity([policy], source);
}
