import type { Connection, EnvironmentDriver, SlotDriver } from '@clusternator/core/provider';
import type { AwsConfig } from '../config.ts';
import { openBucket, openStore } from './clients.ts';
import type { SiteFoundation } from './ground/outputs.ts';

type To = Connection<AwsConfig, SiteFoundation>;

/** Files in a bucket behind CloudFront. Loads its SDKs. */
export async function openSiteEnvironments({ config, host, foundation }: To): Promise<EnvironmentDriver> {
  const [bucket, store, { SiteEnvironments }] = await Promise.all([
    openBucket(config, host, foundation),
    openStore(config, host, foundation.keyValueStore),
    import('./site-environments.ts'),
  ]);
  return new SiteEnvironments({ bucket, store, host, foundation });
}

/** Records of the key value store. Loads its SDK. */
export async function openSiteSlots({ config, host, foundation }: To): Promise<SlotDriver> {
  const [store, { SiteSlots }] = await Promise.all([
    openStore(config, host, foundation.keyValueStore),
    import('./site-slots.ts'),
  ]);
  return new SiteSlots(store, host, foundation);
}
