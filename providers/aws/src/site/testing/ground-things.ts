import {
  ListDistributionsCommand,
  ListFunctionsCommand,
  ListKeyValueStoresCommand,
  ListOriginAccessControlsCommand,
  ListTagsForResourceCommand,
} from '@aws-sdk/client-cloudfront';
import type { Thing } from '@clusternator/conformance';
import { tagsFor } from '@clusternator/core/kit';
import type { Clients } from '../../foundation/clients.ts';
import { buckets, certificates } from '../../foundation/testing/things.ts';
import { fromAwsTags } from '../../storage/aws-tags.ts';

/** All that a foundation of sites can consist of, by the cloud's own lists. */
export async function thingsOf(raw: Clients): Promise<readonly Thing[]> {
  const lists = [certificates, buckets, distributions, functions, stores, accesses];
  return (await Promise.all(lists.map((list) => list(raw)))).flat();
}

async function tagged({ cloudFront }: Clients, kind: string, name = '', arn = name): Promise<Thing> {
  const { Tags } = await cloudFront.send(new ListTagsForResourceCommand({ Resource: arn }));
  return { kind, name, tags: fromAwsTags(Tags?.Items) };
}

async function distributions(raw: Clients): Promise<readonly Thing[]> {
  const { DistributionList } = await raw.cloudFront.send(new ListDistributionsCommand({}));
  return Promise.all((DistributionList?.Items ?? []).map(({ ARN }) => tagged(raw, 'distribution', ARN)));
}

/** Once it is published it is listed twice, by either of its stages. */
async function functions(raw: Clients): Promise<readonly Thing[]> {
  const { FunctionList } = await raw.cloudFront.send(new ListFunctionsCommand({}));
  const arns = (FunctionList?.Items ?? []).map(({ FunctionMetadata }) => FunctionMetadata?.FunctionARN ?? '');
  return Promise.all([...new Set(arns)].map((arn) => tagged(raw, 'function', arn)));
}

async function stores(raw: Clients): Promise<readonly Thing[]> {
  const { KeyValueStoreList } = await raw.cloudFront.send(new ListKeyValueStoresCommand({}));
  return Promise.all((KeyValueStoreList?.Items ?? []).map(({ ARN }) => tagged(raw, 'key value store', ARN)));
}

/** It has no tags: whose it is is in its description. */
async function accesses({ cloudFront }: Clients): Promise<readonly Thing[]> {
  const { OriginAccessControlList } = await cloudFront.send(new ListOriginAccessControlsCommand({}));
  return (OriginAccessControlList?.Items ?? []).map(({ Name = '', Description = '' }) => {
    const [project = '', stage = ''] = Description.split(' ');
    const tags = tagsFor({ project, stage }, { type: 'foundation', id: 'main', fingerprint: '' });
    return { kind: 'origin access', name: Name, tags };
  });
}
