/** For a provider whose environments run where it runs: keeps their times to live. Only the process that destroys loads the engine. */
export { destroyExpired, hasExpired, type ExpiryOptions } from './host/expiry.ts';
export { readProviderSource } from './host/discovery.ts';
