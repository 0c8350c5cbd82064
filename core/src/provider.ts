/** `@clusternator/core/provider`: what a provider imports. It loads no engine, so that a provider starts as fast as its own SDK lets it. */
export type * from './artefact/artefact.ts';
export type * from './artefact/images.ts';
export type * from './dns/dns.ts';
export type * from './environment/environment.ts';
export * from './provider/capabilities.ts';
export * from './provider/error.ts';
export type * from './provider/foundation.ts';
export type * from './provider/host.ts';
export * from './provider/native.ts';
export * from './provider/provider.ts';
export type * from './provider/resource.ts';
export type * from './provider/secret.ts';
export { redact, redactor } from './secrets/redact.ts';
export type * from './slot/slot.ts';
export type * from './state/store.ts';
export type * from './storage/storage.ts';
