import type { EmulatorName } from '@clusternator/emulators/emulator';
import type { Clients } from '../../foundation/clients.ts';
import { openSceneOf, type FoundationScene, type Tenant } from '../../foundation/testing/foundation-scene.ts';
import { countsOf } from '../../foundation/testing/things.ts';
import { openSiteFoundation } from '../ground/open-ground.ts';
import type { SiteFoundation } from '../ground/outputs.ts';
import { thingsOf } from './ground-things.ts';

export type GroundScene = FoundationScene<SiteFoundation>;
export type GroundTenant = Tenant<SiteFoundation>;
/** The one that has CloudFront functions and what is in key value stores: moto has neither UpdateFunction nor PublishFunction, and no keys. */
export const EMULATOR: EmulatorName = 'ministack';
export const SERVICES = ['acm', 'cloudfront', 'cloudfront-keyvaluestore', 's3', 'sts', 'tagging'];

export function openGroundScene(): Promise<GroundScene> {
  return openSceneOf(EMULATOR, SERVICES, openSiteFoundation);
}

/** How many there are of everything that a foundation of sites consists of, by the cloud's own lists. */
export function inventory(raw: Clients): Promise<Readonly<Record<string, number>>> {
  return countsOf(thingsOf(raw));
}
