/** What the conformance kit drives a provider with, so that it does as the engine does. Not for plugins or programs. */
export { deriveToken, withCall } from './engine/call.ts';
export { openPacer } from './engine/pace.ts';
export { pollUntilSettled } from './engine/poll.ts';
export { retrying } from './engine/retry.ts';
export { bindProvider } from './host/drivers.ts';
export { makeHost } from './host/host.ts';
export { tagsFor } from './names/tags.ts';
export { DocumentStore, type DocumentKind } from './state/document-store.ts';
