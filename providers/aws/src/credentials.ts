import type { defaultProvider } from '@aws-sdk/credential-provider-node';
import { ProviderError, type Host } from '@clusternator/core/provider';
import { CREDENTIALS, errorOf } from './errors.ts';

type SdkChain = ReturnType<typeof defaultProvider>;
type Chain = (asked?: Parameters<SdkChain>[0]) => ReturnType<SdkChain>;

/** What says nothing about who asks: the same again may well work. */
const PASSING: ReadonlySet<ProviderError['code']> = new Set(['unavailable', 'throttled']);

const chains = new WeakMap<Host, Map<string | undefined, Chain>>();

/**
 * The SDK's own chain, once for all clients of a host: profile, SSO, process, web identity, container and instance roles. Each client would
 * else go through it by itself, and a command that needs ten of them would ask STS, SSO or the machine ten times.
 * @throws ProviderError `unauthenticated`: there are none, or they are no longer good. Nothing was asked of AWS then.
 * @see https://docs.aws.amazon.com/sdk-for-javascript/v3/developer-guide/setting-credentials-node.html
 */
export function credentialsOf(host: Host, profile: string | undefined): Chain {
  const ofHost = chains.get(host) ?? new Map<string | undefined, Chain>();
  chains.set(host, ofHost);
  const known = ofHost.get(profile) ?? told(lazily(profile), profile);
  ofHost.set(profile, known);
  return known;
}

function lazily(profile: string | undefined): Chain {
  let loading: Promise<SdkChain> | undefined;
  return async (asked) => {
    loading ??= import('@aws-sdk/credential-provider-node').then((sdk) =>
      sdk.defaultProvider(profile === undefined ? {} : { profile }),
    );
    return (await loading)(asked);
  };
}

/** Whatever goes wrong in the chain is about who asks, also a token's file that is not there. */
function told(chain: Chain, profile: string | undefined): Chain {
  const where = profile === undefined ? '' : `, looked for as profile ${profile}`;
  return async (asked) => {
    try {
      return await chain(asked);
    } catch (cause) {
      const error = errorOf(cause);
      if (error && PASSING.has(error.code)) throw error;
      const message = cause instanceof Error ? cause.message : String(cause);
      const detail = { effect: 'none', hint: CREDENTIALS, cause } as const;
      throw new ProviderError('unauthenticated', `there are no credentials for AWS${where}: ${message}`, detail);
    }
  };
}
