export { MemoryCloud } from './cloud.ts';
export { default as memoryHarness } from './harness.ts';
export { memoryProvider } from './provider.ts';
