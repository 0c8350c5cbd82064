/** `@clusternator/core/cache`: for a provider that runs installs on the machine itself. */
export { BuildCache, type CacheSettings, type CacheUse } from './cache/build-cache.ts';
export { cachedInstall, type CachedInstall, type InstallCache } from './cache/cached-install.ts';
