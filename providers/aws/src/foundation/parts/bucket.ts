import {
  CreateBucketCommand,
  DeleteBucketCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetPublicAccessBlockCommand,
  PutBucketVersioningCommand,
  PutPublicAccessBlockCommand,
  type BucketLocationConstraint,
} from '@aws-sdk/client-s3';
import { removeVersions } from '../../s3-versions.ts';
import { isNamed, unlessAbsent } from '../../storage/aws-error.ts';
import type { Part } from '../part.ts';
import type { Site } from '../site.ts';

const NAME = 'bucket';
/** Of all regions, the one that must not be named. @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucketConfiguration.html */
const UNNAMED_REGION = 'us-east-1';
const PRIVATE = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
};

/** The world has one name space, so that the account is part of it. */
export async function bucketName(at: Site): Promise<string> {
  const kind = at.isOfSites ? ['sites'] : [];
  return at.host.name(['clusternator', ...kind, (await at.account()).id, await at.region()], { maxLength: 63 });
}

/** What is in it is encrypted without being told so. @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html */
const objects: Part = {
  name: NAME,
  after: [],
  async find(at) {
    const Bucket = await bucketName(at);
    try {
      const { TagSet } = await at.send(({ s3 }, options) => s3.send(new GetBucketTaggingCommand({ Bucket }), options));
      at.own(`the bucket ${Bucket}`, TagSet);
    } catch (error) {
      if (isNamed(error, ['NoSuchBucket'])) return undefined;
      if (!isNamed(error, ['NoSuchTagSet'])) throw error;
      at.own(`the bucket ${Bucket}`, []);
    }
    return { id: Bucket, phase: 'active' };
  },
  async make(at) {
    const Bucket = await bucketName(at);
    const region = await at.region();
    const command = new CreateBucketCommand({
      Bucket,
      CreateBucketConfiguration: {
        Tags: at.tags(NAME),
        // The SDK lists those that it knows; there are newer ones.
        ...(region !== UNNAMED_REGION && { LocationConstraint: region as BucketLocationConstraint }),
      },
    });
    await at.send(({ s3 }, options) => s3.send(command, options));
    return { id: Bucket, phase: 'active' };
  },
  async remove(at, { id: Bucket }) {
    await at.send(({ s3 }, options) => removeVersions(s3, { Bucket }, options));
    await at.send(({ s3 }, options) => s3.send(new DeleteBucketCommand({ Bucket }), options));
  },
};

const versions: Part = {
  name: 'versions of objects',
  after: [NAME],
  within: NAME,
  async find(at) {
    const found = await at.find(NAME);
    if (!found) return undefined;
    const { Status } = await at.send(({ s3 }, options) =>
      s3.send(new GetBucketVersioningCommand({ Bucket: found.id }), options),
    );
    return { id: found.id, phase: 'active', differs: Status !== 'Enabled' };
  },
  async make(at) {
    const Bucket = await at.idOf(NAME);
    const command = new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } });
    await at.send(({ s3 }, options) => s3.send(command, options));
    return { id: Bucket, phase: 'active' };
  },
};

/** So are new ones by themselves. It can be taken off by hand. @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html */
const privacy: Part = {
  name: 'privacy of objects',
  after: [NAME],
  within: NAME,
  async find(at) {
    const found = await at.find(NAME);
    if (!found) return undefined;
    const asked = at.send(({ s3 }, options) => s3.send(new GetPublicAccessBlockCommand({ Bucket: found.id }), options));
    const is = (await unlessAbsent(asked, ['NoSuchPublicAccessBlockConfiguration']))?.PublicAccessBlockConfiguration;
    const isPrivate = is !== undefined && Object.values(PRIVATE).length === Object.values(is).filter(Boolean).length;
    return { id: found.id, phase: 'active', differs: !isPrivate };
  },
  async make(at) {
    const Bucket = await at.idOf(NAME);
    const command = new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: PRIVATE });
    await at.send(({ s3 }, options) => s3.send(command, options));
    return { id: Bucket, phase: 'active' };
  },
};

/** Where source trees and sites are kept. */
export const bucket: readonly Part[] = [objects, versions, privacy];
