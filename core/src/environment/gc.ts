import { isInstall } from '../cache/build-cache.ts';
import { livenessOf } from '../engine/identity.ts';
import { resumeOperation } from '../engine/operation.ts';
import { foundationLeftovers } from '../foundation/collect.ts';
import { canStand } from '../foundation/outputs.ts';
import { driverOf } from '../host/drivers.ts';
import type { GcItem } from '../host/project.ts';
import type { Session } from '../host/session.ts';
import { readTag } from '../names/tags.ts';
import { ProviderError } from '../provider/error.ts';
import { ENVIRONMENTS } from '../provider/tokens.ts';
import type { EnvironmentDocument, OperationDocument } from '../state/documents.ts';
import { messageOf } from '../engine/thrown.ts';
import { collectPins } from '../slot/collect.ts';
import { slotLeftovers } from '../slot/leftovers.ts';
import { livingScratch, storageLeftovers } from '../storage/collect.ts';
import { collectible } from './collectible.ts';
import { destroyEnvironment } from './destroy.ts';
import { resourceIdOf } from './life.ts';
import type { Environment } from './environment.ts';
import { orphans } from './orphans.ts';

/** An interrupted operation is somebody's to resume for so long; after that it is a leftover. */
const UNFINISHED_SECONDS = 3600;
const LOOK_SECONDS = 600;
const CACHE_DAYS = 30;

/** One thing to remove. */
export interface Work extends Omit<GcItem, 'done' | 'error'> {
  /** @returns False: it is needed after all. */
  run(): Promise<boolean>;
}

/** Removes what has outlived its use. Never what a slot uses, and never what a living process works on. */
export async function collectGarbage(
  session: Session,
  options: {
    readonly dryRun: boolean;
    readonly max?: number;
    readonly logsMiB?: number;
    readonly caches?: readonly string[];
  },
): Promise<readonly GcItem[]> {
  if (!options.dryRun) await collectPins(session);
  // The cloud first, then the documents: what is made in between has a document by the time that they are read.
  const resources = await session.briefly('list environments', (call) => liveEnvironments(session, call), LOOK_SECONDS);
  const owners = session.artefacts.owners();
  const documents = await session.briefly(
    'read the state',
    (call) => allOf(session.documents.environments.list(call)),
    LOOK_SECONDS,
  );
  const operations = await session.briefly(
    'read the state',
    (call) => allOf(session.documents.operations.list(call)),
    LOOK_SECONDS,
  );
  const now = session.clock.now();
  const rules = { now, ...(options.max !== undefined && { max: options.max }) };
  const work = [
    ...unfinished(session, operations, documents, now),
    ...unbegun(session, operations, documents, now),
    ...collectible(documents, rules).map(({ document, why }) => destruction(session, document, why)),
    ...outlivedLogs(session, now, options.logsMiB),
    ...orphans(session, resources, documents, await livingScratch(session)),
    ...(await slotLeftovers(session)),
    ...(await storageLeftovers(session)),
    ...(await foundationLeftovers(session)),
    ...unusedCaches(session, now, options.caches),
  ];
  const items: GcItem[] = [];
  for (const one of work) {
    const item = { id: one.id, type: one.type, why: one.why };
    if (options.dryRun) {
      items.push({ ...item, done: false });
      continue;
    }
    session.options.signal.throwIfAborted();
    try {
      items.push({ ...item, done: await one.run() });
    } catch (error) {
      items.push({ ...item, done: false, error: messageOf(error) });
    }
  }
  if (!options.dryRun) {
    await sweepFiles(session, owners, documents, resources);
    await session.caches.sweep();
    await sweepMirror(session, documents, resources);
  }
  return items;
}

async function allOf<T>(stored: AsyncIterable<{ readonly document: T }>): Promise<readonly T[]> {
  const documents: T[] = [];
  for await (const { document } of stored) documents.push(document);
  return documents;
}

type Look = Parameters<Parameters<Session['briefly']>[1]>[0];

async function liveEnvironments(session: Session, call: Look): Promise<readonly Environment[]> {
  const bound = await session.bind(await session.provider());
  if (!(await canStand(session, bound))) return [];
  const driver = await driverOf(bound, ENVIRONMENTS, 'environments');
  const found: Environment[] = [];
  for await (const environment of driver.list(call)) found.push(environment);
  return found;
}

/** Of the life that was looked at: it may have been renewed since, or made anew. */
function destruction(session: Session, seen: EnvironmentDocument, why: string): Work {
  const isMeant = ({ epoch, expiresAt }: EnvironmentDocument): boolean =>
    epoch === seen.epoch && expiresAt === seen.expiresAt;
  const run = async (): Promise<boolean> => {
    const { document } = await destroyEnvironment(session, seen.id, { isMeant });
    return document.phase === 'gone';
  };
  return { id: seen.id, type: 'environment', why, run };
}

function unfinished(
  session: Session,
  operations: readonly OperationDocument[],
  documents: readonly EnvironmentDocument[],
  now: Date,
): readonly Work[] {
  const byId = new Map(operations.map((operation) => [operation.id, operation] as const));
  return documents.flatMap((document) => {
    const operation = document.owner && byId.get(document.owner.operation);
    if (!operation) return [];
    // It could not clear up after itself.
    if (operation.state === 'failed') return [destruction(session, document, `its ${operation.kind} failed`)];
    if (!isLeft(operation, now)) return [];
    return [destruction(session, document, `its ${operation.kind} was left unfinished at ${operation.updatedAt}`)];
  });
}

/** Killed between its own document and that of its environment: it made nothing, and nobody comes upon it any more. */
function unbegun(
  session: Session,
  operations: readonly OperationDocument[],
  documents: readonly EnvironmentDocument[],
  now: Date,
): readonly Work[] {
  const begun = new Set(documents.map(({ owner }) => owner?.operation));
  return operations
    .filter((one) => ['create', 'destroy'].includes(one.kind) && !begun.has(one.id) && isLeft(one, now))
    .map(({ id, kind, subject }) => ({
      id,
      type: 'operation' as const,
      why: `${kind} ${subject} was left before it began`,
      run: async () => {
        await (await resumeOperation(session.operations, id)).abort();
        return true;
      },
    }));
}

/** Nobody works on it, and nobody resumed it in time. */
function isLeft({ state, endedAt, owner, updatedAt }: OperationDocument, now: Date): boolean {
  const isFree = state === 'interrupted' || livenessOf(owner) === 'dead';
  return endedAt === undefined && isFree && (now.getTime() - Date.parse(updatedAt)) / 1000 >= UNFINISHED_SECONDS;
}

/** What builds left to later ones that don't come, or that ask for other folders. */
function unusedCaches({ caches, project, stage }: Session, now: Date, folders?: readonly string[]): readonly Work[] {
  return caches.list(`${project}/${stage}`).flatMap((entry) => {
    const days = Math.floor((now.getTime() - entry.usedAt) / 86_400_000);
    const isAsked = isInstall(entry) || (folders?.includes(entry.path) ?? true);
    if (isAsked && days < CACHE_DAYS) return [];
    const why = isAsked ? `was not used for ${String(days)} days` : 'is not in the config any more';
    const run = async (): Promise<boolean> => {
      await caches.remove(entry);
      return true;
    };
    const what = isInstall(entry) ? 'an install' : entry.path;
    return [{ id: `${what} of ${entry.part}`, type: 'cache' as const, why, run }];
  });
}

/** Kept logs that are past their time, and the oldest beyond `logs.size`. */
function outlivedLogs({ keptLogs }: Session, now: Date, sizeMiB?: number): readonly Work[] {
  const work = (id: string, why: string, remove: () => void): Work => ({
    id,
    type: 'logs',
    why,
    run: () => {
      remove();
      return Promise.resolve(true);
    },
  });
  const over = keptLogs.list().filter(({ until }) => until <= now);
  const excess =
    sizeMiB === undefined ? [] : [...keptLogs.excess(sizeMiB * 2 ** 20)].filter(([log]) => log.until > now);
  return [
    ...over.map((log) =>
      work(log.environment, `its logs were kept until ${log.until.toISOString()}`, () => keptLogs.remove(log)),
    ),
    ...excess.map(([log, segments]) =>
      work(log.environment, `more than the ${String(sizeMiB)} MiB of logs.size`, () => keptLogs.cut(log, segments)),
    ),
    ...keptLogs.halfMade(now).map((id) => work(id, 'its logs were never collected', () => keptLogs.remove({ id }))),
  ];
}

/** Files that nobody refers to: of dead processes, and of environments of this project that are gone. */
async function sweepFiles(
  session: Session,
  owners: readonly string[],
  documents: readonly EnvironmentDocument[],
  resources: readonly Environment[],
): Promise<void> {
  const prefix = `${session.project}/${session.stage}/`;
  const known = documents.filter(({ phase }) => phase !== 'gone').map((document) => resourceIdOf(document));
  // What runs needs its files, also where its document was lost.
  const there = new Set([...known, ...resources.map(({ id }) => id)].map((id) => prefix + id));
  for (const owner of owners) {
    if (owner.startsWith(prefix) && !there.has(owner)) await session.artefacts.release(owner);
  }
  await session.artefacts.sweep();
}

/** Commits that a killed command had fetched. One that another project of the repository needs is fetched again where it is not kept. */
async function sweepMirror(
  session: Session,
  documents: readonly EnvironmentDocument[],
  resources: readonly Environment[],
): Promise<void> {
  const repository = await session.repository(session.options.directory).catch((error: unknown) => {
    if (ProviderError.is(error)) return undefined;
    throw error;
  });
  if (!repository) return;
  const needed = new Set([
    ...documents.filter(({ phase }) => phase !== 'gone').map(({ commit }) => commit),
    ...resources.flatMap(({ tags = {} }) => readTag(tags, 'commit') ?? []),
  ]);
  const mirror = await session.mirror(repository.mirror.folder);
  for (const commit of await mirror.commits()) if (!needed.has(commit)) await mirror.forget(commit);
  await mirror.compact();
}
