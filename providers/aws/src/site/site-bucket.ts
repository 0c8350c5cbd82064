import { readFile } from 'node:fs/promises';
import { GetObjectCommand, paginateListObjectsV2, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { ProviderError, type Call } from '@clusternator/core/provider';
import { allSettled } from '../all-settled.ts';
import { removeVersions } from '../s3-versions.ts';
import { isNamed, unlessAbsent } from '../storage/aws-error.ts';
import { contentTypeOf, type SiteFile } from './bundle.ts';

const AT_ONCE = 8;

/** The foundation's bucket, with the files of all environments and a document for each. */
export class SiteBucket {
  constructor(
    private readonly client: S3Client,
    private readonly bucket: string,
  ) {}

  /** All keys below a prefix. */
  async list(Prefix: string, call: Call): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    const input = { Bucket: this.bucket, Prefix };
    const pages = paginateListObjectsV2({ client: this.client }, input, { abortSignal: call.signal });
    for await (const { Contents = [] } of pages) for (const { Key = '' } of Contents) found.add(Key);
    return found;
  }

  async text(Key: string, call: Call): Promise<string | undefined> {
    const asked = this.client.send(new GetObjectCommand({ Bucket: this.bucket, Key }), { abortSignal: call.signal });
    return (await unlessAbsent(asked, ['NoSuchKey']))?.Body?.transformToString();
  }

  /** @throws ProviderError `conflict`: it is there. */
  async createText(Key: string, Body: string, call: Call): Promise<void> {
    const command = new PutObjectCommand({
      Bucket: this.bucket,
      Key,
      Body,
      ContentType: 'application/json',
      IfNoneMatch: '*',
    });
    try {
      await this.client.send(command, { abortSignal: call.signal });
    } catch (cause) {
      if (!isNamed(cause, ['PreconditionFailed', 'ConditionalRequestConflict'])) throw cause;
      throw new ProviderError('conflict', `${Key} was made by somebody else meanwhile`, { effect: 'none', cause });
    }
  }

  /** An object is there whole or not at all, so whoever finds one need not look into it. */
  async copy(files: readonly SiteFile[], call: Call): Promise<void> {
    let done = 0;
    const queue = files.values();
    const worker = async (): Promise<void> => {
      for (const { key: Key, source } of queue) {
        const Body = await readFile(source);
        const ContentType = contentTypeOf(Key);
        // Of an empty file the SDK does not know it.
        const ContentLength = Body.length;
        const command = new PutObjectCommand({ Bucket: this.bucket, Key, Body, ContentType, ContentLength });
        await this.client.send(command, { abortSignal: call.signal });
        done += 1;
        call.progress({ message: 'copying files to S3', done, total: files.length, unit: 'items' });
      }
    };
    await allSettled(Array.from({ length: Math.min(AT_ONCE, files.length) }, worker));
  }

  /** Also what was there before, since the bucket keeps versions. */
  remove(Prefix: string, call: Call): Promise<void> {
    return removeVersions(this.client, { Bucket: this.bucket, Prefix }, { abortSignal: call.signal });
  }
}
