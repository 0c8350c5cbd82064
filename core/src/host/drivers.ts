import 'reflect-metadata';
import { container, type DependencyContainer, type InjectionToken } from 'tsyringe';
import type { Capabilities } from '../provider/capabilities.ts';
import { ProviderError } from '../provider/error.ts';
import type { Host } from '../provider/host.ts';
import type { DriverFactories, Provider } from '../provider/provider.ts';
import { DNS, ENVIRONMENTS, FOUNDATION, IMAGES, SLOTS, STATE, STORAGE, type Lazy } from '../provider/tokens.ts';

const TOKENS = {
  environments: ENVIRONMENTS,
  slots: SLOTS,
  storage: STORAGE,
  images: IMAGES,
  dns: DNS,
  state: STATE,
  foundation: FOUNDATION,
} satisfies Record<keyof DriverFactories<unknown, unknown>, InjectionToken<unknown>>;

/** A provider under one config, and its drivers under their tokens. */
export interface BoundProvider {
  readonly provider: Provider;
  readonly capabilities: Capabilities;
  readonly scope: DependencyContainer;
}

/**
 * One child container a project: nothing is shared through the global one. A driver is made once, at its first use.
 * @throws ProviderError `invalid` with the config's path.
 */
export function bindProvider(provider: Provider, config: unknown, host: Host): BoundProvider {
  const parsed = provider.config.safeParse(config);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new ProviderError('invalid', `provider "${provider.id}": ${issue?.message ?? 'its config is invalid'}`, {
      path: ['provider', ...(issue?.path ?? [])].join('.'),
      hint: `clusternator provider show ${provider.id} prints its config keys`,
    });
  }
  const scope = container.createChildContainer();
  const connection = { config: parsed.data, host, foundation: undefined };
  const { drivers } = provider;
  // The keys of a literal are known.
  for (const kind of Object.keys(TOKENS) as (keyof typeof TOKENS)[]) {
    if (!drivers[kind]) continue;
    let made: Promise<unknown> | undefined;
    scope.register(TOKENS[kind], { useValue: () => (made ??= drivers[kind]?.(connection)) });
  }
  return { provider, capabilities: provider.capabilities(parsed.data), scope };
}

/** @throws ProviderError `unsupported` when the provider has no such driver. */
export async function driverOf<T>(bound: BoundProvider, token: InjectionToken<Lazy<T>>, what: string): Promise<T> {
  if (!bound.scope.isRegistered(token)) {
    throw new ProviderError('unsupported', `provider "${bound.provider.id}" has no ${what}`, { path: 'provider' });
  }
  return bound.scope.resolve(token)();
}
