import { systemClock } from '../engine/clock.ts';
import type { EngineEvent } from '../engine/events.ts';
import { messageOf } from '../engine/thrown.ts';
import { collectible, isExpired } from '../environment/collectible.ts';
import { documentsIn, type Documents, type EnvironmentDocument } from '../state/documents.ts';
import { openSqliteStore } from '../state/sqlite.ts';
import type { VolumeDocument } from '../storage/documents.ts';
import { dueBackups } from '../storage/schedule.ts';
import { brieflyBy } from './briefly.ts';
import type { ProviderSource } from './discovery.ts';
import { stateFile } from './state-file.ts';
import type { GcItem } from './project.ts';
import type { Session } from './session.ts';
import type { BackupRun } from './storage.ts';

/** One project and stage, and the one provider whose environments and volumes are meant. */
export interface ExpiryOptions {
  readonly stateFolder: string;
  readonly project: string;
  readonly stage: string;
  readonly provider: ProviderSource;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly emit: (event: EngineEvent) => void;
}

type Place = Pick<ExpiryOptions, 'stateFolder' | 'project' | 'stage'> & { readonly provider: string };

/** Whether `destroyExpired` or `backUpDue` has anything to do. Reads the state and opens nothing else. @throws ProviderError what the store throws. */
export async function hasDue(place: Place): Promise<boolean> {
  const store = openSqliteStore(stateFile(place.stateFolder, place), { readOnly: true });
  try {
    const documents = documentsIn(store, systemClock);
    if ((await expired(documents, place.provider)).length > 0) return true;
    const volumes: VolumeDocument[] = [];
    await brieflyBy(systemClock)('read the volumes', async (call) => {
      for await (const { document } of documents.volumes.list(call)) volumes.push(document);
    });
    return dueBackups(volumes, systemClock.now()).some(({ volume }) => volume.provider.name === place.provider);
  } finally {
    store.close();
  }
}

/**
 * Destroys the environments that are past their time to live. Never one that a slot uses or that an operation works on; and unlike gc, neither
 * those that failed, whose logs somebody may want to read, nor whatever else is over. Needs neither the repository nor its config.
 */
export async function destroyExpired(options: ExpiryOptions): Promise<readonly GcItem[]> {
  const { destroyEnvironment } = await import('../environment/destroy.ts');
  return withSession(options, async (session) => {
    const items: GcItem[] = [];
    for (const seen of await expired(session.documents, options.provider.id)) {
      options.signal.throwIfAborted();
      const item = { id: seen.id, type: 'environment' as const, why: `expired at ${seen.expiresAt ?? ''}` };
      // Of the life that was looked at: it may have been renewed since, or made anew.
      const isMeant = ({ epoch, expiresAt }: EnvironmentDocument): boolean =>
        epoch === seen.epoch && expiresAt === seen.expiresAt;
      try {
        const { document } = await destroyEnvironment(session, seen.id, { isMeant });
        items.push({ ...item, done: document.phase === 'gone' });
      } catch (error) {
        items.push({ ...item, done: false, error: messageOf(error) });
      }
    }
    return items;
  });
}

/** Takes the backups that are due, and lets expire what has outlived its promise. */
export async function backUpDue(options: ExpiryOptions): Promise<readonly BackupRun[]> {
  const { runBackups } = await import('../storage/backups.ts');
  return withSession(options, (session) => runBackups(session, { due: true, dryRun: false }));
}

async function withSession<T>(options: ExpiryOptions, work: (session: Session) => Promise<T>): Promise<T> {
  const { stateFolder, project, stage, provider } = options;
  const [{ openSession }, { settingsOf }] = await Promise.all([import('./open-session.ts'), import('./settings.ts')]);
  const opened = openSession(
    settingsOf({ ...options, directory: stateFolder, provider: provider.id, providers: [provider] }),
    { project, stage, provider: provider.id },
  );
  try {
    return await work(opened.session);
  } finally {
    await opened.close();
  }
}

async function expired(documents: Documents, provider: string): Promise<readonly EnvironmentDocument[]> {
  const all: EnvironmentDocument[] = [];
  await brieflyBy(systemClock)('read the state', async (call) => {
    for await (const { document } of documents.environments.list(call)) {
      if (document.provider.name === provider) all.push(document);
    }
  });
  const now = systemClock.now();
  const over = collectible(all, { now }).filter(({ document }) => document.phase === 'ready');
  // One whose destroying was interrupted has an owner, and is gone on with.
  const begun = all.filter(({ phase, owner }) => phase === 'destroying' && owner !== undefined);
  return [...over.map(({ document }) => document), ...begun].filter((document) => isExpired(document, now));
}
