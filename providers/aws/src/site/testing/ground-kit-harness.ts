import {
  CreateKeyValueStoreCommand,
  DeleteKeyValueStoreCommand,
  DescribeKeyValueStoreCommand,
} from '@aws-sdk/client-cloudfront';
import { DeleteBucketPolicyCommand } from '@aws-sdk/client-s3';
import type { Harness, Stranger, Target } from '@clusternator/conformance';
import type { Clients } from '../../foundation/clients.ts';
import { groundKit, hostOf } from '../../foundation/testing/kit-harness.ts';
import { buckets } from '../../foundation/testing/things.ts';
import { openSiteFoundation } from '../ground/open-ground.ts';
import { EMULATOR, SERVICES } from './ground-scene.ts';
import { thingsOf } from './ground-things.ts';

/** Foundations of sites alone. */
const harness: Harness = groundKit(EMULATOR, import.meta.url, {
  kind: 'sites',
  services: SERVICES,
  open: openSiteFoundation,
  things: thingsOf,
  stranger: strangerIn,
  floors: { 'foundation.ensure': 11, 'foundation.destroy': 9 },
});
export default harness;

/** Plants a key value store. Removes it, or the bucket's policy of a foundation. */
function strangerIn(raw: Clients): Stranger {
  const { cloudFront, s3 } = raw;
  const nameOf = ({ owner }: Target) => hostOf(owner).host.name(['clusternator', 'sites'], { maxLength: 63 });
  const planted = new Map<string, string | undefined>();
  return {
    async plant(target) {
      const Name = nameOf(target);
      planted.set(Name, (await cloudFront.send(new CreateKeyValueStoreCommand({ Name }))).ETag);
    },
    async isAsPlanted(target) {
      const Name = nameOf(target);
      const { ETag } = await cloudFront.send(new DescribeKeyValueStoreCommand({ Name }));
      return ETag === planted.get(Name);
    },
    async remove(target) {
      const Name = nameOf(target);
      if (planted.has(Name)) {
        await cloudFront.send(new DeleteKeyValueStoreCommand({ Name, IfMatch: planted.get(Name) }));
        planted.delete(Name);
        return;
      }
      const found = (await buckets(raw)).find(({ tags }) => hostOf(target.owner).host.identify(tags) !== undefined);
      await s3.send(new DeleteBucketPolicyCommand({ Bucket: found?.name }));
    },
  };
}
