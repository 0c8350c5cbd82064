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

type DriverKind = keyof typeof TOKENS;
/** What stands on a foundation, where the provider has one. */
const ON_FOUNDATION: ReadonlySet<DriverKind> = new Set(['environments', 'slots', 'storage', 'images']);
const PLACE = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;

/** A provider under one config, and its drivers under their tokens. */
export interface BoundProvider {
  readonly provider: Provider;
  /** As the provider's schema gives it. */
  readonly config: unknown;
  readonly capabilities: Capabilities;
  readonly scope: DependencyContainer;
  /** The id of the foundation under its drivers, such as `aws` or `aws.eu-west-1`. Left out: it needs none. */
  readonly foundation?: string;
}

/**
 * One child container a project: nothing is shared through the global one. A driver is made once, at its first use, and anew where it stands on
 * a foundation that was changed since.
 * @param outputsOf - Of the foundation under a provider, the same object while nothing changed. Left out: it stands on nothing.
 * @throws ProviderError `invalid` with the config's path.
 */
export function bindProvider(
  provider: Provider,
  config: unknown,
  host: Host,
  outputsOf: (bound: BoundProvider) => Promise<unknown> = nothing,
): BoundProvider {
  const parsed = provider.config.safeParse(config);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new ProviderError('invalid', `provider "${provider.id}": ${issue?.message ?? 'its config is invalid'}`, {
      path: ['provider', ...(issue?.path ?? [])].join('.'),
      hint: `clusternator provider show ${provider.id} prints its config keys`,
    });
  }
  const scope = container.createChildContainer();
  const { drivers } = provider;
  const bound: BoundProvider = {
    provider,
    capabilities: provider.capabilities(parsed.data),
    scope,
    config: parsed.data,
    ...(drivers.foundation && { foundation: foundationOf(provider, parsed.data) }),
  };
  // The keys of a literal are known.
  for (const kind of Object.keys(TOKENS) as DriverKind[]) {
    if (!drivers[kind]) continue;
    const standsOn = drivers.foundation && ON_FOUNDATION.has(kind) ? () => outputsOf(bound) : nothing;
    let made: { readonly on: unknown; readonly driver: Promise<unknown> } | undefined;
    const use = async (): Promise<unknown> => {
      const on = await standsOn();
      const foundation = on as undefined; // outputs, as the provider's own schema gave them out
      if (made?.on === on && made) return made.driver;
      const driver = Promise.resolve(drivers[kind]?.({ config: parsed.data, host, foundation }));
      made = { on, driver };
      // One that could not be made, since nobody was signed in, is made anew by whoever comes next.
      driver.catch(() => {
        if (made?.driver === driver) made = undefined;
      });
      return driver;
    };
    scope.register(TOKENS[kind], { useValue: use });
  }
  return bound;
}

function nothing(): Promise<undefined> {
  return Promise.resolve(undefined);
}

function foundationOf(provider: Provider, config: unknown): string {
  const place = provider.place?.(config);
  if (place === undefined) return provider.id;
  if (PLACE.test(place)) return `${provider.id}.${place}`;
  throw new ProviderError('internal', `provider "${provider.id}" calls a place "${place}", which is not of [a-z0-9-]`);
}

/** @throws ProviderError `unsupported` when the provider has no such driver. */
export async function driverOf<T>(bound: BoundProvider, token: InjectionToken<Lazy<T>>, what: string): Promise<T> {
  if (!bound.scope.isRegistered(token)) {
    throw new ProviderError('unsupported', `provider "${bound.provider.id}" has no ${what}`, { path: 'provider' });
  }
  return bound.scope.resolve(token)();
}
