import { ProviderError, type Environment, type Host, type Identity, type Instances } from '@clusternator/core/provider';
import { allSettled } from './all-settled.ts';
import { serviceOf } from './ecs/handle.ts';
import { parseServiceName } from './ecs/names.ts';

/** What runs services, by the key of the environment that they are of. What is not ours is left out. */
export async function byEnvironment<T>(
  all: AsyncIterable<T>,
  about: (one: T) => { readonly name: string | undefined; readonly tags: Readonly<Record<string, string>> },
  host: Host,
): Promise<ReadonlyMap<string, { readonly identity: Identity; readonly parts: readonly T[] }>> {
  const byKey = new Map<string, { readonly identity: Identity; readonly parts: T[] }>();
  for await (const one of all) {
    const { name = '', tags } = about(one);
    const identity = host.identify(tags);
    const key = parseServiceName(name)?.key;
    if (identity?.type !== 'environment' || key === undefined) continue;
    const known = byKey.get(key);
    if (known) known.parts.push(one);
    else byKey.set(key, { identity, parts: [one] });
  }
  return byKey;
}

/** Scales each by the name that the environment's handle has of it. @throws ProviderError `not-found`: it has none. */
export async function scaleEach(
  { id, handle }: Environment,
  instances: Readonly<Record<string, Instances>>,
  scale: (name: string, count: number) => Promise<void>,
): Promise<void> {
  const scaling = Object.entries(instances).map(([service, { min }]) => {
    const name = serviceOf(handle, service);
    if (name === undefined) throw new ProviderError('not-found', `environment ${id} has no service ${service}`);
    return scale(name, min);
  });
  await allSettled(scaling);
}
