import { createHash } from 'node:crypto';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  type S3Client,
} from '@aws-sdk/client-s3';
import { ProviderError, type Call, type Host, type StateStore } from '@clusternator/core/provider';
import type { AwsConfig } from './config.ts';
import { errorOf } from './errors.ts';

/** What is kept of a document: who wrote it, then its text. */
interface Found {
  readonly writer: string;
  readonly value: string;
  readonly revision: string;
}

/** @throws ProviderError `invalid`: the config names no bucket. */
export function openS3State(client: S3Client, host: Host, { bucket }: AwsConfig): StateStore {
  if (bucket === undefined) {
    throw new ProviderError('invalid', 'state on AWS needs a bucket', {
      path: 'state.bucket',
      hint: 'write state: { name: aws, region: <region>, bucket: <bucket> }',
    });
  }
  return new S3State(client, bucket, `${host.project}/${host.stage}/state/`);
}

/**
 * Documents as objects, with S3's conditional writes. The first line of an object is the id of its write: an ETag is of the content, and the
 * same text written twice would be one revision; and whoever does not know whether a write of theirs happened finds out by it.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
 */
class S3State implements StateStore {
  constructor(
    private readonly client: S3Client,
    private readonly bucket: string,
    private readonly prefix: string,
  ) {}

  async get(key: string, call: Call): Promise<{ readonly value: string; readonly revision: string } | undefined> {
    const found = await this.find(key, call);
    return found && { value: found.value, revision: found.revision };
  }

  async put(key: string, value: string, expected: string | null, call: Call): Promise<string> {
    const writer = writeId(call, key, value, expected);
    const condition = expected === null ? { IfNoneMatch: '*' } : { IfMatch: expected };
    const Body = `${writer}\n${value}`;
    try {
      const command = new PutObjectCommand({ ...this.object(key), Body, ContentType: 'text/plain', ...condition });
      const { ETag } = await this.client.send(command, { abortSignal: call.signal });
      if (ETag !== undefined) return ETag;
      throw new ProviderError('internal', `S3 named no version of ${key}`, { effect: 'applied', retry: 'after-read' });
    } catch (error) {
      if (!isLostRace(error)) throw this.missing(error);
      // It may have been this very write, whose answer was lost.
      const found = await this.find(key, call);
      if (found?.writer === writer) return found.revision;
      throw conflict(key, error);
    }
  }

  async delete(key: string, expected: string, call: Call): Promise<void> {
    try {
      const command = new DeleteObjectCommand({ ...this.object(key), IfMatch: expected });
      await this.client.send(command, { abortSignal: call.signal });
    } catch (error) {
      throw isLostRace(error) ? conflict(key, error) : this.missing(error);
    }
  }

  async *list(prefix: string, call: Call): AsyncGenerator<{ readonly key: string; readonly revision: string }> {
    const input = { Bucket: this.bucket, Prefix: `${this.prefix}${prefix}` };
    try {
      for await (const page of paginateListObjectsV2({ client: this.client }, input, { abortSignal: call.signal })) {
        for (const { Key, ETag } of page.Contents ?? []) {
          if (Key !== undefined && ETag !== undefined) yield { key: Key.slice(this.prefix.length), revision: ETag };
        }
      }
    } catch (error) {
      throw this.missing(error);
    }
  }

  private async find(key: string, call: Call): Promise<Found | undefined> {
    try {
      const command = new GetObjectCommand(this.object(key));
      const { Body, ETag } = await this.client.send(command, { abortSignal: call.signal });
      const text = await Body?.transformToString();
      const end = text?.indexOf('\n') ?? -1;
      if (text === undefined || ETag === undefined || end === -1) throw foreign(this.bucket, `${this.prefix}${key}`);
      return { writer: text.slice(0, end), value: text.slice(end + 1), revision: ETag };
    } catch (error) {
      if (nameOf(error) === 'NoSuchKey') return undefined;
      throw this.missing(error);
    }
  }

  private object(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.bucket, Key: `${this.prefix}${key}` };
  }

  /** The error, or what to do about a bucket that is not there. */
  private missing(error: unknown): unknown {
    if (nameOf(error) !== 'NoSuchBucket') return error;
    return new ProviderError('invalid', `there is no bucket ${this.bucket}`, {
      path: 'state.bucket',
      hint: `make it, with versions kept: aws s3 mb s3://${this.bucket}; aws s3api put-bucket-versioning --bucket ${this.bucket} --versioning-configuration Status=Enabled`,
      cause: error,
    });
  }
}

/** The same for the same write of the same step, also after a crash. */
function writeId(call: Call, key: string, value: string, expected: string | null): string {
  const text = JSON.stringify([call.token('state'), key, value, expected]);
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** 412: the condition does not hold. 409: another write of the object came in between. 404 to a condition: there is none. */
function isLostRace(error: unknown): boolean {
  return ['PreconditionFailed', 'ConditionalRequestConflict', 'NoSuchKey'].includes(nameOf(error));
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

function conflict(key: string, error: unknown): ProviderError {
  return new ProviderError('conflict', `${key} is not as it was expected`, {
    effect: 'none',
    cause: errorOf(error) ?? error,
  });
}

function foreign(bucket: string, object: string): ProviderError {
  return new ProviderError('damaged', `s3://${bucket}/${object} is no document of ours`, {
    hint: 'something else writes below the project’s prefix; an earlier version of the object may be whole',
  });
}
