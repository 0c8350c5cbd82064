/** For a provider whose environments run where it runs: keeps times to live and backup schedules. Only the process
 *  that does what is due loads the engine. */
export { backUpDue, destroyExpired, hasDue, type ExpiryOptions } from './host/expiry.ts';
export { readProviderSource } from './host/discovery.ts';
