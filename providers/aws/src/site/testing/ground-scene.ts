import type { EmulatorName } from '@clusternator/emulators/emulator';
import {
  ListDistributionsCommand,
  ListFunctionsCommand,
  ListKeyValueStoresCommand,
  ListOriginAccessControlsCommand,
} from '@aws-sdk/client-cloudfront';
import { paginateListCertificates } from '@aws-sdk/client-acm';
import { ListBucketsCommand } from '@aws-sdk/client-s3';
import type { Clients } from '../../foundation/clients.ts';
import { openSceneOf, type FoundationScene, type Tenant } from '../../foundation/testing/foundation-scene.ts';
import { openSiteFoundation } from '../ground/open-ground.ts';
import type { SiteFoundation } from '../ground/outputs.ts';

export type GroundScene = FoundationScene<SiteFoundation>;
export type GroundTenant = Tenant<SiteFoundation>;
/** The one that has CloudFront functions and what is in key value stores: moto has neither UpdateFunction nor PublishFunction, and no keys. */
export const EMULATOR: EmulatorName = 'ministack';
export const SERVICES = ['acm', 'cloudfront', 'cloudfront-keyvaluestore', 's3', 'sts', 'tagging'];

export function openGroundScene(): Promise<GroundScene> {
  return openSceneOf(EMULATOR, SERVICES, openSiteFoundation);
}

/** How many there are of everything that a foundation of sites consists of, by the cloud's own lists. */
export async function inventory({ acm, cloudFront, s3 }: Clients): Promise<Readonly<Record<string, number>>> {
  const certificates = await Array.fromAsync(paginateListCertificates({ client: acm }, {}));
  const { DistributionList } = await cloudFront.send(new ListDistributionsCommand({}));
  const { FunctionList } = await cloudFront.send(new ListFunctionsCommand({}));
  const { KeyValueStoreList } = await cloudFront.send(new ListKeyValueStoresCommand({}));
  const { OriginAccessControlList } = await cloudFront.send(new ListOriginAccessControlsCommand({}));
  return {
    certificates: certificates.flatMap(({ CertificateSummaryList }) => CertificateSummaryList ?? []).length,
    distributions: DistributionList?.Items?.length ?? 0,
    functions: FunctionList?.Items?.length ?? 0,
    stores: KeyValueStoreList?.Items?.length ?? 0,
    accesses: OriginAccessControlList?.Items?.length ?? 0,
    buckets: (await s3.send(new ListBucketsCommand())).Buckets?.length ?? 0,
  };
}
