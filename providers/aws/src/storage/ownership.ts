import { ProviderError, type Host, type Identity, type NativeSettings } from '@clusternator/core/provider';
import { fromAwsTags, type AwsTag } from './aws-tags.ts';

/** Of something under a name of ours. `what` is told: `the DB instance clusternator-data-0123456789`. */
export interface Named {
  readonly type: Identity['type'];
  readonly id: string;
  readonly what: string;
  readonly tags: readonly AwsTag[] | undefined;
}

/** @throws ProviderError `owned-by-other`: its tags are not those of this resource of ours. */
export function ours(host: Host, { type, id, what, tags }: Named): Identity {
  const identity = host.identify(fromAwsTags(tags));
  if (identity?.type === type && identity.id === id) return identity;
  throw new ProviderError('owned-by-other', `${what} is there, and is not ${type} ${id} of this project and stage`, {
    hint: 'it is left as it is; remove or rename it, or choose another stage',
  });
}

/** Of [a-z0-9-], with a beginning that policies can name. The same for the same resource of this project and stage alone. */
export function nameOf(host: Host, kind: 'volume' | 'snapshot', id: string): string {
  return host.name(['clusternator', ...(kind === 'snapshot' ? [kind] : []), id], { maxLength: 63 });
}

/** The request with `native:` laid over it, which can't take away our tags. */
export function withNative<T extends { Tags: unknown }>(host: Host, request: T, native: NativeSettings | undefined): T {
  return { ...host.merge(request, native), Tags: request.Tags };
}
