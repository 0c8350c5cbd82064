import { createHash } from 'node:crypto';
import type { Host } from '@clusternator/core/provider';

/** What the keys of the store begin with. `host.` leads to an environment or a slot, `slot.` to environments, `env.` to sites, `files.` has what there is. */
export const HOST = 'host.';
export const SLOT = 'slot.';
/** Core's tags of a slot. */
export const TAGS = 'tags.';
export const ENVIRONMENT = 'env.';
export const FILES = 'files.';
/** Of a file's digest: the first say in which shard it is, the next are kept there. With 36 bits nobody meets two of the same. */
export const SHARD_DIGITS = 8;
export const FILE_DIGITS = 9;
/** @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-keyvaluestores */
export const VALUE_BYTES = 1024;

const KEY_LENGTH = 30;

/** Of an environment, in keys of the store and of the bucket. */
export function environmentKey(host: Host, id: string): string {
  return host.name(['clusternator', id], { maxLength: KEY_LENGTH });
}

export function slotKey(host: Host, id: string): string {
  return host.name(['slot', id], { maxLength: KEY_LENGTH });
}

/** Where an environment's files are in the bucket. */
export function folderOf(key: string): string {
  return `sites/${key}/`;
}

export const DOCUMENTS = 'environments/';

/** Says whose an environment's files are: the first that is made, and the last that goes. */
export function documentOf(key: string): string {
  return `${DOCUMENTS}${key}.json`;
}

/** As the function looks for files: one value a shard, each with the digests of the files in it. @param files - Keys of the bucket. */
export function shardsOf(files: readonly string[]): readonly string[] {
  const digests = files.map((file) => createHash('sha256').update(file).digest('hex'));
  const mostInOne = Math.floor(VALUE_BYTES / (FILE_DIGITS + 1));
  for (let count = Math.max(1, Math.ceil(digests.length / mostInOne)); ; count++) {
    const byShard = Map.groupBy(digests, (digest) => Number.parseInt(digest.slice(0, SHARD_DIGITS), 16) % count);
    const shards = Array.from({ length: count }, (_, at) => {
      const all = byShard.get(at) ?? [];
      return all.map((digest) => ` ${digest.slice(SHARD_DIGITS, SHARD_DIGITS + FILE_DIGITS)}`).join('') || ' ';
    });
    if (shards.every((shard) => shard.length <= VALUE_BYTES)) return shards;
  }
}
