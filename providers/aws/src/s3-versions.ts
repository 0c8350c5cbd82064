import { DeleteObjectsCommand, ListObjectVersionsCommand, type S3Client } from '@aws-sdk/client-s3';

/** Where objects are. Without a prefix: all of the bucket. */
export interface Place {
  readonly Bucket: string;
  readonly Prefix?: string;
}
interface Options {
  readonly abortSignal: AbortSignal;
}

/** A page of what a bucket that keeps versions has there, what was only marked as deleted included: it is kept, and costs. */
export async function versionsAt(s3: S3Client, place: Place, options: Options) {
  const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand(place), options);
  return [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }));
}

/** Removes all of it. What was deleted is no page's to skip: the first is asked for until it is empty. */
export async function removeVersions(s3: S3Client, place: Place, options: Options): Promise<void> {
  for (;;) {
    const Objects = await versionsAt(s3, place, options);
    if (Objects.length === 0) return;
    const command = new DeleteObjectsCommand({ Bucket: place.Bucket, Delete: { Objects, Quiet: true } });
    const { Errors: [refused] = [] } = await s3.send(command, options);
    if (refused) throw Object.assign(new Error(refused.Message ?? ''), { name: refused.Code ?? '' });
  }
}
