import { z } from 'zod';
import type { Environment, EnvironmentSpec } from '../environment/environment.ts';
import type { Session } from '../host/session.ts';
import {
  environmentResourceId,
  formatEnvironmentId,
  parseEnvironmentResourceId,
  type EnvironmentLife,
} from '../names/environment-id.ts';
import { readTag } from '../names/tags.ts';
import type { Tags } from '../provider/resource.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { CommitReader } from './commits.ts';
import { knownSpec } from './known-spec.ts';
import type { Unknown } from './result.ts';
import type { Survey } from './survey.ts';

/** A document to write, and what it can't tell. */
export interface Planned<T> {
  readonly document: T;
  readonly unknown: readonly Unknown[];
}
/** What is there and can't be written down. */
export interface Unwritable {
  readonly id: string;
  readonly unknown: readonly Unknown[];
}

/** As far as tags, the commit and the provider tell, without pins. */
export async function environmentDocuments(
  session: Session,
  found: Survey,
  commits: CommitReader,
): Promise<{ readonly planned: readonly Planned<EnvironmentDocument>[]; readonly left: readonly Unwritable[] }> {
  const planned: Planned<EnvironmentDocument>[] = [];
  const left: Unwritable[] = [];
  for (const { life, live, others } of newestLives(found.environments)) {
    const earlier = others.map(({ id }) => ({
      what: `an earlier life of it, ${id}, is still there`,
      hint: 'clusternator gc',
    }));
    const made = await environmentDocument(session, found, commits, life, live);
    if ('document' in made) planned.push({ ...made, unknown: [...made.unknown, ...earlier] });
    else left.push(made);
  }
  return { planned, left };
}

interface Lives {
  readonly life: EnvironmentLife;
  readonly live: Environment;
  readonly others: readonly Environment[];
}

/** Copies that lived for one command alone are no environments: gc removes them. */
function newestLives(environments: readonly Environment[]): readonly Lives[] {
  const byId = new Map<string, Lives>();
  for (const live of environments) {
    const life = parseEnvironmentResourceId(live.id);
    if (!life) continue;
    const id = formatEnvironmentId(life.id);
    const known = byId.get(id);
    if (!known) byId.set(id, { life, live, others: [] });
    else if (known.life.incarnation > life.incarnation) byId.set(id, { ...known, others: [...known.others, live] });
    else byId.set(id, { life, live, others: [...known.others, known.live] });
  }
  return [...byId.values()];
}

async function environmentDocument(
  session: Session,
  found: Survey,
  commits: CommitReader,
  life: EnvironmentLife,
  live: Environment,
): Promise<Planned<EnvironmentDocument> | Unwritable> {
  const id = formatEnvironmentId(life.id);
  const tags = live.tags ?? {};
  const commit = await commits.read(readTag(tags, 'commit') ?? life.id.commit);
  const sha = 'sha' in commit ? commit.sha : readTag(tags, 'commit');
  if (sha === undefined)
    return { id, unknown: [{ what: 'nothing tells its commit', hint: 'remove it where its provider shows it' }] };
  const known = 'sha' in commit ? await knownSpec(session, found, { life, live }, commit) : commit;
  const lacks = 'why' in known ? known.why : undefined;
  const config = 'sha' in commit && lacks === undefined ? commit.config : undefined;
  const overrides = readTag(tags, 'overrides');
  const now = session.clock.now();
  const ttlSeconds = Number(readTag(tags, 'ttl') ?? (life.id.slot ? undefined : config?.environments.ttlSeconds));
  const mounted = 'spec' in known ? mountedBy(known.spec) : [];
  const own = ownVolumes(found, environmentResourceId(life), mounted);
  const { slot } = life.id;
  const document: EnvironmentDocument = {
    schema: 1,
    id,
    commit: sha,
    incarnation: life.incarnation,
    phase: phaseOf(live),
    epoch: 0,
    provider: found.provider,
    fingerprint: live.fingerprint ?? ('spec' in known ? known.spec.fingerprint : ''),
    hosts: 'spec' in known ? [...known.hosts] : hostsOf(live),
    environment: live,
    createdAt: dateOf(tags, 'created') ?? now.toISOString(),
    pins: {},
    rebuilt: {
      at: now.toISOString(),
      ...(lacks !== undefined && { lacks, mayMount: mayMount(found, environmentResourceId(life), slot?.name) }),
    },
    ...(slot && { slot: slot.name, settings: slot.settings }),
    ...(config && { config, provider: providerOf(config.provider, found) }),
    ...('spec' in known && { spec: known.spec }),
    ...('spec' in known && known.images.length > 0 && { images: [...known.images] }),
    ...('sha' in commit && { mirror: commit.mirror, subject: commit.subject, author: commit.author }),
    ...(own.length > 0 && { volumes: [...own] }),
    ...(live.records && { records: live.records }),
    ...(overrides !== undefined && !slot && { overrides }),
    ...definedRef(tags),
    ...(phaseOf(live) === 'ready' && readyParts(now, ttlSeconds)),
    ...(phaseOf(live) === 'failed' && {
      error: { code: 'unhealthy' as const, message: `${id} was ${live.phase} when the state was rebuilt` },
    }),
  };
  return {
    document,
    unknown: unknownOf(document, { tags, overridesNow: 'sha' in commit ? commit.overrides : undefined }),
  };
}

/** What was being made has nobody any more who makes it: gc removes it, and a create begins anew. */
function phaseOf({ phase }: Environment): 'ready' | 'failed' | 'destroying' {
  if (phase === 'destroying') return 'destroying';
  return phase === 'active' || phase === 'stopped' ? 'ready' : 'failed';
}

/** Its whole time again, from now: what it had of it is not known. */
function readyParts(now: Date, ttlSeconds: number): Pick<EnvironmentDocument, 'readyAt' | 'expiresAt'> {
  const readyAt = now.toISOString();
  if (!Number.isFinite(ttlSeconds)) return { readyAt };
  return { readyAt, expiresAt: new Date(now.getTime() + ttlSeconds * 1000).toISOString() };
}

function unknownOf(
  { id, phase, rebuilt, slot, expiresAt }: EnvironmentDocument,
  { tags, overridesNow }: { readonly tags: Tags; readonly overridesNow: string | undefined },
): readonly Unknown[] {
  const found: Unknown[] = [];
  if (rebuilt?.lacks !== undefined)
    found.push({
      what: `what it was made from, so it can't be promoted or gone back to: ${rebuilt.lacks}`,
      hint: `clusternator env destroy ${id}, then create it again`,
    });
  const overrides = readTag(tags, 'overrides');
  if (
    overrides !== undefined &&
    overridesNow !== undefined &&
    overrides !== overridesNow &&
    rebuilt?.lacks === undefined
  )
    found.push({
      what: 'what --set, --config and variables said of its slots when it was made: its config is written down as it reads now',
      hint: 'run it with the same flags, with --dry-run first',
    });
  if (phase === 'failed')
    found.push({
      what: 'who was making it',
      hint: `clusternator gc removes it; clusternator env create makes it anew`,
    });
  if (phase === 'destroying') found.push({ what: 'who was destroying it', hint: `clusternator env destroy ${id}` });
  if (phase === 'ready' && expiresAt === undefined && slot === undefined && readTag(tags, 'created') === undefined)
    found.push({ what: 'when it expires: it stays', hint: `clusternator env destroy ${id}` });
  return found;
}

/** The host alone, as it answers. */
function hostsOf({ url }: Environment): string[] {
  const host = url !== undefined && URL.canParse(url) ? new URL(url).hostname : '';
  return host === '' ? [] : [host];
}

function providerOf(provider: { readonly name: string; readonly config: unknown }, found: Survey) {
  // A commit may name another provider than the one that was asked, and runs on the one that has it.
  return provider.name === found.provider.name
    ? { name: provider.name, config: z.json().parse(provider.config) }
    : found.provider;
}

function definedRef(tags: Tags): Pick<EnvironmentDocument, 'ref'> {
  const ref = readTag(tags, 'ref');
  return ref === undefined ? {} : { ref };
}

/** That go with it: not those that were made beside them, unless they took their place. */
function ownVolumes({ volumes }: Survey, resourceId: string, mounted: readonly string[]): readonly string[] {
  return volumes.flatMap(({ id, tags = {} }) => {
    const isOwn = readTag(tags, 'life') === resourceId && readTag(tags, 'scope') === 'env';
    return isOwn && (readTag(tags, 'place') === undefined || mounted.includes(id)) ? [id] : [];
  });
}

/** Ids of the volumes that services have mounted. */
export function mountedBy({ services }: Pick<EnvironmentSpec, 'services'>): readonly string[] {
  return Object.values(services).flatMap((service) => Object.values(service.mounts).map(({ volume }) => volume.id));
}

function mayMount({ volumes }: Survey, resourceId: string, slot: string | undefined): string[] {
  return volumes.flatMap(({ id, tags = {} }) => {
    const scope = readTag(tags, 'scope');
    if (scope === 'env') return readTag(tags, 'life') === resourceId ? [id] : [];
    if (scope === 'slot') return slot !== undefined && readTag(tags, 'slot') === slot ? [id] : [];
    return [id];
  });
}

/** Of seconds since 1970. */
export function dateOf(tags: Tags, key: string): string | undefined {
  const seconds = Number(readTag(tags, key) ?? NaN);
  return Number.isSafeInteger(seconds) && seconds > 0 ? new Date(seconds * 1000).toISOString() : undefined;
}
