import { HeadObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { ProviderError, type Call, type FilesArtefact, type Host, type Tags } from '@clusternator/core/provider';
import { z } from 'zod';
import { removeVersions, versionsAt } from '../s3-versions.ts';
import type { AwsFoundation } from '../foundation/outputs.ts';
import { isNamed, unlessAbsent } from '../storage/aws-error.ts';
import { withSourceArchive } from './source-archive.ts';

/** What is in it, machines and builds may read. */
export const SOURCES = 'sources';
/** In the metadata of an object. */
const TAGS = 'clusternator-tags';
const tagsSchema = z.record(z.string(), z.string());

/** An archive in the foundation's bucket. */
export interface Source {
  readonly key: string;
  /** Of the archive, in hex: what a machine fetched has to have it. */
  readonly sha256: string;
}

/** Source trees: each under the prefix of the environment or the build that it is for, so that it ends with that, and named by its digest. */
export class Sources {
  private readonly made = new Map<string, Promise<Source>>();

  constructor(
    private readonly s3: S3Client,
    private readonly host: Host,
    private readonly foundation: AwsFoundation,
  ) {}

  /** Uploads it, once for all that run or build from it under one prefix. What is there under the digest is that already. */
  put(key: string, artefact: FilesArtefact, tags: Tags, call: Call): Promise<Source> {
    const id = `${key} ${artefact.digest}`;
    const known = this.made.get(id) ?? this.upload(key, artefact, tags, call);
    this.made.set(id, known);
    known.catch(() => this.made.delete(id));
    return known;
  }

  /** Whose there is something, by the tags that an archive was made with; and its key. Undefined: there is nothing, or nothing can be read of it. */
  async left(key: string, call: Call): Promise<{ readonly key: string; readonly tags: Tags } | undefined> {
    const { Bucket, options } = this.at(call);
    const [{ Key } = {}] = await versionsAt(this.s3, { Bucket, Prefix: sourcePrefix(key) }, options);
    if (Key === undefined) return undefined;
    const asked = this.s3.send(new HeadObjectCommand({ Bucket, Key }), options);
    const text = (await unlessAbsent(asked, ['NotFound', 'NoSuchKey']))?.Metadata?.[TAGS];
    return text === undefined ? undefined : { key: Key, tags: tagsSchema.parse(JSON.parse(text)) };
  }

  /** All that has this prefix. */
  async remove(key: string, call: Call): Promise<void> {
    for (const id of this.made.keys()) if (id.startsWith(`${key} `)) this.made.delete(id);
    const { Bucket, options } = this.at(call);
    await removeVersions(this.s3, { Bucket, Prefix: sourcePrefix(key) }, options);
  }

  private at({ signal }: Call) {
    return { Bucket: this.foundation.bucket, options: { abortSignal: signal } };
  }

  private async upload(key: string, artefact: FilesArtefact, tags: Tags, call: Call): Promise<Source> {
    const folder = await this.host.folder(artefact, call);
    return withSourceArchive(folder, call.signal, async (archive) => {
      const { sha256, bytes } = archive;
      call.progress({ message: 'uploading the source', total: bytes, unit: 'bytes' });
      const source = { key: `${sourcePrefix(key)}${sha256}.tar.gz`, sha256 };
      const command = new PutObjectCommand({
        Bucket: this.foundation.bucket,
        Key: source.key,
        Body: archive.open(),
        ContentLength: bytes,
        ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64'),
        IfNoneMatch: '*',
        Metadata: { [TAGS]: JSON.stringify(tags) },
      });
      try {
        await this.s3.send(command, { abortSignal: call.signal });
      } catch (error) {
        if (isNamed(error, ['PreconditionFailed'])) return source;
        if (!isNamed(error, ['NoSuchBucket'])) throw error;
        throw new ProviderError('not-found', `the foundation's bucket ${this.foundation.bucket} is not there`, {
          hint: 'clusternator foundation create makes what all environments of the stage share',
          cause: error,
        });
      }
      return source;
    });
  }
}

/** What there is of the source trees of an environment, or of a build, begins with this. */
function sourcePrefix(key: string): string {
  return `${SOURCES}/${key}/`;
}
