import {
  CreateKeyValueStoreCommand,
  DeleteKeyValueStoreCommand,
  DescribeKeyValueStoreCommand,
  type KeyValueStore,
} from '@aws-sdk/client-cloudfront';
import { unlessAbsent } from '../../storage/aws-error.ts';
import type { Found, Part } from '../../foundation/part.ts';
import type { Site } from '../../foundation/site.ts';
import { ownTagged } from './tagged.ts';

export const STORE = 'key value store';

/** What each host leads to. The function of the distribution reads it, drivers write it. */
export const keyValueStore: Part = {
  name: STORE,
  after: [],
  async find(at) {
    const asked = at.send(({ cloudFront }, options) =>
      cloudFront.send(new DescribeKeyValueStoreCommand({ Name: at.of }), options),
    );
    const answer = await unlessAbsent(asked, ['EntityNotFound']);
    if (!answer?.KeyValueStore) return undefined;
    const found = show(answer.KeyValueStore, answer.ETag);
    await ownTagged(at, `the key value store ${at.of}`, found.id);
    return found;
  },
  async make(at) {
    const command = new CreateKeyValueStoreCommand({ Name: at.of, Tags: { Items: at.tags(STORE) } });
    const { KeyValueStore, ETag } = await at.send(({ cloudFront }, options) => cloudFront.send(command, options));
    return show(KeyValueStore, ETag);
  },
  async remove(at, { details }) {
    const command = new DeleteKeyValueStoreCommand({ Name: at.of, IfMatch: details?.etag });
    await at.send(({ cloudFront }, options) => cloudFront.send(command, options));
  },
};

/** @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/kvs-with-functions-create.html (PROVISIONING, READY) */
function show(store: KeyValueStore | undefined, etag = ''): Found {
  const isReady = store?.Status === 'READY';
  return {
    id: store?.ARN ?? '',
    phase: isReady ? 'active' : 'creating',
    ...(!isReady && { message: `the key value store is ${store?.Status ?? 'on its way'}` }),
    details: { etag },
  };
}

/** Its ARN. */
export function storeOf(at: Site): Promise<string> {
  return at.idOf(STORE);
}
