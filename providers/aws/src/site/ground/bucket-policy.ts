import { isDeepStrictEqual } from 'node:util';
import { DeleteBucketPolicyCommand, GetBucketPolicyCommand, PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import type { Part } from '../../foundation/part.ts';
import type { Site } from '../../foundation/site.ts';
import { unlessAbsent } from '../../storage/aws-error.ts';
import { DISTRIBUTION } from './distribution.ts';

/** Which of its statements is ours. */
const SID = 'ClusternatorSites';

interface Policy {
  readonly Version?: string;
  readonly Statement?: readonly { readonly Sid?: string }[];
}

/** Lets the distribution, and no other, read the bucket. To list it too is what has S3 say 404 of what is not there, in place of 403. */
export const bucketPolicy: Part = {
  name: 'bucket policy',
  after: ['bucket', DISTRIBUTION, 'privacy of objects'],
  onceBegun: [DISTRIBUTION],
  within: 'bucket',
  async find(at) {
    const bucket = await at.find('bucket');
    if (!bucket) return undefined;
    const policy = await read(at, bucket.id);
    const ours = policy?.Statement?.filter(({ Sid }) => Sid?.startsWith(SID));
    if (!ours || ours.length === 0) return undefined;
    const distribution = await at.find(DISTRIBUTION);
    const wanted = distribution && (await statements(at, bucket.id, distribution.details?.arn ?? ''));
    return { id: bucket.id, phase: 'active', differs: !isDeepStrictEqual(ours, wanted) };
  },
  async make(at) {
    const Bucket = await at.idOf('bucket');
    const arn = (await at.find(DISTRIBUTION))?.details?.arn ?? '';
    const policy = await read(at, Bucket);
    // What somebody else allows or forbids stays.
    const others = (policy?.Statement ?? []).filter(({ Sid }) => !Sid?.startsWith(SID));
    const Statement = [...others, ...(await statements(at, Bucket, arn))];
    const command = new PutBucketPolicyCommand({
      Bucket,
      Policy: JSON.stringify({ Version: '2012-10-17', ...policy, Statement }),
    });
    await at.send(({ s3 }, options) => s3.send(command, options));
    return { id: Bucket, phase: 'active' };
  },
  async remove(at, { id: Bucket }) {
    await at.send(({ s3 }, options) => s3.send(new DeleteBucketPolicyCommand({ Bucket }), options));
  },
};

async function read(at: Site, Bucket: string): Promise<Policy | undefined> {
  const asked = at.send(({ s3 }, options) => s3.send(new GetBucketPolicyCommand({ Bucket }), options));
  const { Policy: text } = (await unlessAbsent(asked, ['NoSuchBucketPolicy'])) ?? {};
  // S3 takes no policy that is not of this shape.
  return text === undefined ? undefined : (JSON.parse(text) as Policy);
}

async function statements(at: Site, bucket: string, distribution: string) {
  const { partition } = await at.account();
  const base = {
    Effect: 'Allow',
    Principal: { Service: 'cloudfront.amazonaws.com' },
    Condition: { StringEquals: { 'AWS:SourceArn': distribution } },
  };
  const arn = `arn:${partition}:s3:::${bucket}`;
  return [
    { Sid: `${SID}Read`, ...base, Action: 's3:GetObject', Resource: `${arn}/sites/*` },
    { Sid: `${SID}Look`, ...base, Action: 's3:ListBucket', Resource: arn },
  ];
}
