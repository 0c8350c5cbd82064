import { GetBucketPolicyCommand, GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';

/** What an origin says. */
export interface OriginAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}
export interface OriginRequest {
  readonly bucket: string;
  readonly key: string;
  readonly distribution: string;
  /** Without it S3 is asked as anybody, and lets nobody in. */
  readonly isSigned: boolean;
  readonly ifNoneMatch?: string;
  readonly range?: string;
}
interface Statement {
  readonly Effect: string;
  readonly Principal?: { readonly Service?: string } | string;
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** A private bucket, asked by a distribution with origin access control: what its policy does not allow is a 403, as is what is not there unless the bucket may be listed. */
export async function askBucket(s3: S3Client, asked: OriginRequest): Promise<OriginAnswer> {
  const { bucket, key, ifNoneMatch, range } = asked;
  const statements = asked.isSigned ? await statementsOf(s3, bucket) : [];
  const may = (action: string, resource: string): boolean =>
    statements.some((one) => allows(one, action, resource, asked.distribution));
  if (!may('s3:GetObject', `arn:aws:s3:::${bucket}/${key}`)) return refusal(403, 'AccessDenied');
  try {
    const command = new GetObjectCommand({
      Bucket: bucket,
      Key: key,
      ...(ifNoneMatch !== undefined && { IfNoneMatch: ifNoneMatch }),
      ...(range !== undefined && { Range: range }),
    });
    const { Body, ContentType, ContentRange, CacheControl, ETag, LastModified } = await s3.send(command);
    const told = {
      'content-type': ContentType,
      'content-range': ContentRange,
      'cache-control': CacheControl,
      etag: ETag,
      'last-modified': LastModified?.toUTCString(),
    };
    const headers = Object.entries(told).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    );
    return {
      status: ContentRange === undefined ? 200 : 206,
      headers: Object.fromEntries(headers),
      body: Buffer.from((await Body?.transformToByteArray()) ?? []),
    };
  } catch (error) {
    const status = statusOf(error);
    if (status === 304) return { status, headers: { etag: ifNoneMatch ?? '' }, body: Buffer.alloc(0) };
    if (status !== 404) throw error;
    return may('s3:ListBucket', `arn:aws:s3:::${bucket}`) ? refusal(404, 'NoSuchKey') : refusal(403, 'AccessDenied');
  }
}

async function statementsOf(s3: S3Client, Bucket: string): Promise<readonly Statement[]> {
  try {
    const { Policy = '{}' } = await s3.send(new GetBucketPolicyCommand({ Bucket }));
    const { Statement = [] } = JSON.parse(Policy) as { readonly Statement?: Statement[] }; // S3 takes no other policy
    return Statement;
  } catch (error) {
    if (statusOf(error) === 404) return [];
    throw error;
  }
}

/** Of policies no more than those that let a distribution in. */
function allows(
  { Effect, Principal, Action, Resource, Condition }: Statement,
  action: string,
  resource: string,
  distribution: string,
): boolean {
  const isCloudFront = typeof Principal === 'object' && Principal.Service === 'cloudfront.amazonaws.com';
  const source = Condition?.StringEquals?.['AWS:SourceArn'];
  return (
    Effect === 'Allow' &&
    isCloudFront &&
    source === distribution &&
    [Action].flat().some((one) => matches(one, action)) &&
    [Resource].flat().some((one) => matches(one, resource))
  );
}

function matches(pattern: string, text: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(text);
}

function refusal(status: number, code: string): OriginAnswer {
  const body = Buffer.from(`<Error><Code>${code}</Code></Error>`);
  return { status, headers: { 'content-type': 'application/xml' }, body };
}

function statusOf(error: unknown): number | undefined {
  const { $metadata } = error as { readonly $metadata?: { readonly httpStatusCode?: number } }; // of whatever the SDK throws
  return $metadata?.httpStatusCode;
}
