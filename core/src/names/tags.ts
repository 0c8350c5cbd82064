import { ProviderError } from '../provider/error.ts';
import type { Identity, Tags } from '../provider/resource.ts';
import type { Owner } from './owner.ts';
import { decodeTagValue, encodeTagValue } from './tag-value.ts';

const PREFIX = 'clusternator_';
const KEY = /^[a-z][a-z0-9_]{0,49}$/;
const TYPES: ReadonlySet<string> = new Set<Identity['type']>([
  'environment',
  'slot',
  'volume',
  'snapshot',
  'foundation',
]);
const OURS = ['project', 'stage', 'type', 'id', 'fingerprint'];

/** What is told of a resource by its tags. */
export interface Tagged {
  readonly type: Identity['type'];
  readonly id: string;
  readonly fingerprint: string;
  /** What core needs to rebuild its documents, such as a commit: any text, by keys of [a-z0-9_] without our prefix. `readTag` reads it back. */
  readonly tags?: Readonly<Record<string, string>>;
}

/** The tags to put on a resource: whose it is, and what it is.
 *  @throws ProviderError `internal` for an id that a tag can't hold whole, or a key that is ours. */
export function tagsFor(owner: Owner, resource: Tagged): Tags {
  const { type, id, tags: details = {} } = resource;
  const own = { project: owner.project, stage: owner.stage, type, id, fingerprint: resource.fingerprint };
  const tags = { ...detailTags(`${type} ${id}`, details), ...encoded(own) };
  if (identify(owner, tags)?.id !== id) throw new ProviderError('internal', `${type} id ${id} does not fit a tag`);
  return tags;
}

/** The tags of a resource with more details of it, or others. @throws ProviderError `internal` for a key that is ours. */
export function withDetails(tags: Tags, details: NonNullable<Tagged['tags']>): Tags {
  return { ...tags, ...detailTags('a resource', details) };
}

/** Whose a resource is. Undefined: not this project's and stage's. `tags` are all of ours, as they were put; a fingerprint that is missing
 *  or can't be read is '', which equals no other. */
export function identify(
  owner: Owner,
  tags: Readonly<Record<string, string | undefined>> | null | undefined,
): Identity | undefined {
  if (tags === null || tags === undefined) return undefined;
  const type = readTag(tags, 'type');
  const id = readTag(tags, 'id');
  if (readTag(tags, 'project') !== owner.project || readTag(tags, 'stage') !== owner.stage) return undefined;
  if (id === undefined || id === '' || !isType(type)) return undefined;
  return { type, id, fingerprint: readTag(tags, 'fingerprint') ?? '', tags: ownTags(tags) };
}

/** What a detail said. Undefined: it has none, or its text was too long to be kept whole. */
export function readTag(tags: Readonly<Record<string, string | undefined>>, key: string): string | undefined {
  const name = PREFIX + key;
  const value = Object.hasOwn(tags, name) ? tags[name] : undefined;
  return value === undefined ? undefined : decodeTagValue(value);
}

function detailTags(what: string, details: NonNullable<Tagged['tags']>): Tags {
  const bad = Object.keys(details).find((key) => !KEY.test(key) || OURS.includes(key));
  if (bad !== undefined) throw new ProviderError('internal', `${what} can't carry the tag ${bad}`);
  return encoded(details);
}

function encoded(texts: Readonly<Record<string, string>>): Tags {
  return Object.fromEntries(Object.entries(texts).map(([key, text]) => [PREFIX + key, encodeTagValue(text)]));
}

function ownTags(tags: Readonly<Record<string, string | undefined>>): Tags {
  const own = Object.entries(tags).flatMap(([key, value]) =>
    key.startsWith(PREFIX) && value !== undefined ? [[key, value] as const] : [],
  );
  return Object.fromEntries(own);
}

function isType(type: string | undefined): type is Identity['type'] {
  return type !== undefined && TYPES.has(type);
}
