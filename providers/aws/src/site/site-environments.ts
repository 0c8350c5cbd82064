import {
  ProviderError,
  type Call,
  type Environment,
  type EnvironmentDriver,
  type EnvironmentSpec,
  type Health,
  type Host,
  type Identity,
  type LogLine,
  type LogQuery,
  type ResourceRef,
} from '@clusternator/core/provider';
import { ownHosts, refuse } from '../environment-spec.ts';
import { filesOf } from './bundle.ts';
import { documentFor, parseDocument, type EnvironmentDocument } from './document.ts';
import type { SiteFoundation } from './ground/outputs.ts';
import { documentOf, DOCUMENTS, ENVIRONMENT, environmentKey, FILES, folderOf, HOST, shardsOf, SLOT } from './keys.ts';
import { problemsOf, refuseHosts } from './plan.ts';
import { environmentRecord, parseHost, parseSlot } from './records.ts';
import type { SiteBucket } from './site-bucket.ts';
import type { Change, SiteStore } from './site-store.ts';

interface Found {
  readonly document: EnvironmentDocument;
  readonly identity: Identity;
  readonly isRouted: boolean;
}

/**
 * Environments as files in the foundation's bucket. A document in the bucket says whose they are, and is there before they are; once all of them
 * are there, the key value store leads to them, in one write. An end goes the other way: first nothing leads there, then the files go, and last
 * the document.
 */
export class SiteEnvironments implements EnvironmentDriver {
  constructor(
    private readonly parts: {
      readonly bucket: SiteBucket;
      readonly store: SiteStore;
      readonly host: Host;
      readonly foundation: SiteFoundation;
    },
  ) {}

  async ensure(spec: EnvironmentSpec, call: Call): Promise<Environment> {
    const { bucket, host, foundation } = this.parts;
    refuse(spec, problemsOf(spec));
    refuseHosts(ownHosts(spec), foundation.domain, 'domain');
    const key = environmentKey(host, spec.id);
    const found = await this.find(spec.id, call);
    const isOther = found !== undefined && found.identity.fingerprint !== spec.fingerprint;
    if (found && (isOther || found.isRouted)) return show(key, found);
    const files = await filesOf(spec, key, host, call);
    const document = documentFor(spec, files.length);
    const shards = shardsOf(files.map((file) => file.key));
    const record = environmentRecord(spec, key, shards.length);
    if (!found) await bucket.createText(documentOf(key), JSON.stringify(document), call);
    const there = found ? await bucket.list(folderOf(key), call) : new Set<string>();
    await bucket.copy(
      files.filter((file) => !there.has(file.key)),
      call,
    );
    await this.lead(key, ownHosts(spec), [[ENVIRONMENT + key, record], ...shardEntries(key, shards)], call);
    const { id, fingerprint, tags } = spec;
    return show(key, { document, identity: { type: 'environment', id, fingerprint, tags }, isRouted: true });
  }

  async read({ id }: ResourceRef, call: Call): Promise<Environment | undefined> {
    const found = await this.find(id, call);
    return found && show(environmentKey(this.parts.host, id), found);
  }

  async *list(call: Call): AsyncGenerator<Environment> {
    const { bucket, store, host } = this.parts;
    const [documents, records] = await Promise.all([bucket.list(DOCUMENTS, call), store.all(call)]);
    for (const name of documents) {
      const text = await bucket.text(name, call);
      if (text === undefined) continue; // it has ended since
      const document = parseDocument(text);
      const identity = host.identify(document?.tags);
      if (!document || identity?.type !== 'environment') continue;
      const key = environmentKey(host, identity.id);
      yield show(key, { document, identity, isRouted: records.has(ENVIRONMENT + key) });
    }
  }

  async destroy({ id }: ResourceRef, call: Call): Promise<void> {
    const { bucket, store, host } = this.parts;
    const key = environmentKey(host, id);
    await this.find(id, call); // it is ours, or there is none
    await store.change(async () => leaving(id, key, await store.all(call)), call);
    await bucket.remove(folderOf(key), call);
    await bucket.remove(documentOf(key), call);
  }

  async health({ id }: Environment, call: Call): Promise<Health> {
    const { bucket, host } = this.parts;
    const key = environmentKey(host, id);
    const [found, files] = await Promise.all([this.find(id, call), bucket.list(folderOf(key), call)]);
    if (!found) throw noEnvironment(id);
    const isWhole = files.size === found.document.files;
    const healthy = isWhole && found.isRouted;
    const counts = `${String(files.size)} of ${String(found.document.files)} files are there`;
    const message = isWhole ? 'nothing leads there' : counts;
    const part = healthy ? { healthy } : { healthy, message };
    const sites = Object.keys(found.document.sites).map((site) => [site, part] as const);
    return { healthy, parts: Object.fromEntries(sites), observedAt: host.now() };
  }

  /** Files say nothing. */
  async *logs({ id }: Environment, _query: LogQuery, call: Call): AsyncGenerator<LogLine> {
    if (!(await this.find(id, call))) throw noEnvironment(id);
    yield* [];
  }

  /** @throws ProviderError `owned-by-other`. */
  private async find(id: string, call: Call): Promise<Found | undefined> {
    const { bucket, store, host } = this.parts;
    const key = environmentKey(host, id);
    const [text, record] = await Promise.all([bucket.text(documentOf(key), call), store.get(ENVIRONMENT + key, call)]);
    if (text === undefined) return undefined;
    const document = parseDocument(text);
    const identity = host.identify(document?.tags);
    if (document && identity?.type === 'environment' && identity.id === id) {
      return { document, identity, isRouted: record !== undefined };
    }
    throw new ProviderError(
      'owned-by-other',
      `${documentOf(key)} is in the bucket, and is not of environment ${id} of this project and stage`,
      { hint: 'it is left as it is; remove it, or choose another stage' },
    );
  }

  /** @param entries - The first is the environment's own record. */
  private async lead(
    key: string,
    hosts: readonly string[],
    entries: readonly (readonly [string, string])[],
    call: Call,
  ): Promise<void> {
    const { store } = this.parts;
    const names = hosts.map((host) => HOST + host);
    await store.change(async () => {
      for (const name of names) {
        const text = await store.get(name, call);
        if (text === undefined) continue;
        const is = parseHost(text);
        if (!('e' in is) || is.e !== key) throw taken(name);
      }
      const [own, ...files] = entries;
      const leading = names.map((name) => [name, JSON.stringify({ e: key })] as const);
      // What is first in the map is written last: where its record is, all of an environment is.
      return new Map([...(own ? [own] : []), ...leading, ...files]);
    }, call);
  }
}

function shardEntries(key: string, shards: readonly string[]): readonly (readonly [string, string])[] {
  return shards.map((shard, at) => [`${FILES}${key}.${String(at)}`, shard]);
}

/** All that the store has of an environment, in the order in which it is to go: last what others lead to.
 *  @throws ProviderError `conflict`: a slot leads there. */
function leaving(id: string, key: string, all: ReadonlyMap<string, string>): Change {
  const slots = [...all].filter(
    ([name, text]) => name.startsWith(SLOT) && parseSlot(text).r.some(([environment]) => environment === key),
  );
  if (slots.length > 0) {
    throw new ProviderError('conflict', `environment ${id} can't be destroyed: a slot leads there`, {
      effect: 'none',
      retry: 'never',
    });
  }
  const hosts = [...all].flatMap(([name, text]) => {
    if (!name.startsWith(HOST)) return [];
    const is = parseHost(text);
    return 'e' in is && is.e === key ? [name] : [];
  });
  const shards = [...all.keys()].filter((name) => name.startsWith(`${FILES}${key}.`));
  const own = all.has(ENVIRONMENT + key) ? [ENVIRONMENT + key] : [];
  // What is last in the map is written first.
  return new Map([...shards, ...hosts, ...own].map((name) => [name, undefined]));
}

function show(key: string, { document, identity, isRouted }: Found): Environment {
  const phase = isRouted ? ('active' as const) : ('creating' as const);
  const parts = Object.entries(document.sites).map(([site, { digest }]) => [site, { phase, digest }] as const);
  const { id, fingerprint, tags } = identity;
  return {
    id,
    fingerprint,
    tags,
    phase,
    handle: { key },
    parts: Object.fromEntries(parts),
    ...(!isRouted && { message: 'nothing leads to its files' }),
  };
}

function taken(name: string): ProviderError {
  return new ProviderError('owned-by-other', `${name} is in the key value store, and leads somewhere else`, {
    hint: 'it is left as it is; remove it, or choose another stage',
  });
}

function noEnvironment(id: string): ProviderError {
  return new ProviderError('not-found', `there is no environment ${id} in the bucket`);
}
