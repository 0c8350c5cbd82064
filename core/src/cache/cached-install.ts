import { messageOf } from '../engine/thrown.ts';
import type { BuildCache, CacheUse } from './build-cache.ts';
import { installKey, type KeyedInstall } from './install-key.ts';

/** What an install goes by, and what it makes. Relative to the checkout. */
export interface InstallCache {
  /** Files. */
  readonly inputs: readonly string[];
  /** Folders. */
  readonly outputs: readonly string[];
}

/** An install that may have been made before. */
export interface CachedInstall extends Omit<KeyedInstall, 'tree' | keyof InstallCache> {
  /** Left out: there is no cache here. */
  readonly store: BuildCache | undefined;
  readonly use: CacheUse;
  /** Left out: nobody said what it goes by, so it runs each time. */
  readonly installCache: InstallCache | undefined;
  readonly run: () => Promise<void>;
}

/**
 * Puts in place what the same install made before, or runs it and keeps what it makes. What can't be told, kept or put in place makes it run,
 * as it would without a cache.
 */
export async function cachedInstall({ store, use, installCache, run, ...install }: CachedInstall): Promise<void> {
  if (!store || !installCache) return run();
  const { inputs, outputs } = installCache;
  const key = await installKey({ ...install, ...installCache, tree: use.tree }).catch((error: unknown) => {
    use.tell(`install: its inputs can't be read: ${messageOf(error)}`);
    return undefined;
  });
  if (key !== undefined && (await store.putOutputs(use, key, outputs))) {
    use.tell(`install: ${inputs.join(', ')} are as they were, so that ${outputs.join(', ')} are too`);
    return;
  }
  await run();
  if (key !== undefined) await store.keepOutputs(use, key, outputs);
}
