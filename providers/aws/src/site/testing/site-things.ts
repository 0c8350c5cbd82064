import { ListObjectVersionsCommand, type S3Client } from '@aws-sdk/client-s3';
import type { Thing, WireCall } from '@clusternator/conformance';
import { parseDocument } from '../document.ts';
import { ENVIRONMENT, FILES, folderOf, TAGS } from '../keys.ts';
import { parseTags } from '../records.ts';

type Tags = Readonly<Record<string, string>>;

/** What environments and slots of sites are: objects of the bucket, in all of their versions, and keys of the store. */
export class SiteThings {
  /** Whose a folder is is told by a document, which is there before the folder and after it: as it was written, by key. */
  readonly #tags = new Map<string, Tags>();

  /** Of each call on the wire. */
  note({ method, path, body }: WireCall): void {
    const key = /\/environments\/([a-z0-9-]+)\.json/.exec(path)?.[1];
    const document = method === 'PUT' && key !== undefined ? parseDocument(body.toString()) : undefined;
    if (document && key !== undefined) this.#tags.set(key, document.tags);
  }

  async all(s3: S3Client, bucket: string, store: ReadonlyMap<string, string>): Promise<readonly Thing[]> {
    const listed = await s3.send(new ListObjectVersionsCommand({ Bucket: bucket }));
    const { Versions = [], DeleteMarkers = [] } = listed;
    const objects = [...Versions, ...DeleteMarkers].map(({ Key = '' }) => Key);
    return [
      ...objects.map((name) => ({ kind: 'object', name, ...this.#tagsOf(name) })),
      ...[...store].map(([name, value]) => ({ kind: 'key', name, ...this.#tagsOf(name, value) })),
    ];
  }

  #tagsOf(name: string, value?: string): { readonly tags?: Tags } {
    if (name.startsWith(TAGS) && value !== undefined) return { tags: parseTags(value) };
    const found = [...this.#tags].find(([key]) => {
      const begins = [folderOf(key), `environments/${key}.`, `${FILES}${key}.`];
      return name === ENVIRONMENT + key || begins.some((text) => name.startsWith(text));
    });
    return found ? { tags: found[1] } : {};
  }
}
