import { systemClock } from '../engine/clock.ts';
import type { EngineEvent } from '../engine/events.ts';
import { messageOf } from '../engine/thrown.ts';
import { collectible, isExpired } from '../environment/collectible.ts';
import { documentsIn, type Documents, type EnvironmentDocument } from '../state/documents.ts';
import { openSqliteStore } from '../state/sqlite.ts';
import { brieflyBy } from './briefly.ts';
import type { ProviderSource } from './discovery.ts';
import { stateFile } from './state-file.ts';
import type { GcItem } from './project.ts';

/** One project and stage, whose expired environments of one provider are meant. */
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

/** Whether `destroyExpired` would find anything. Reads the state and opens nothing else. @throws ProviderError what the store throws. */
export async function hasExpired(place: Place): Promise<boolean> {
  const store = openSqliteStore(stateFile(place.stateFolder, place), { readOnly: true });
  try {
    return (await expired(documentsIn(store, systemClock), place.provider)).length > 0;
  } finally {
    store.close();
  }
}

/**
 * Destroys the environments that are past their time to live. Never one that a slot uses or that an operation works on; and unlike gc, neither
 * those that failed, whose logs somebody may want to read, nor whatever else is over. Needs neither the repository nor its config.
 */
export async function destroyExpired(options: ExpiryOptions): Promise<readonly GcItem[]> {
  const { stateFolder, project, stage, provider } = options;
  const [{ openSession }, { settingsOf }, { destroyEnvironment }] = await Promise.all([
    import('./open-session.ts'),
    import('./settings.ts'),
    import('../environment/destroy.ts'),
  ]);
  const opened = openSession(
    settingsOf({ ...options, directory: stateFolder, provider: provider.id, providers: [provider] }),
    { project, stage, provider: provider.id },
  );
  const { session } = opened;
  try {
    const items: GcItem[] = [];
    for (const seen of await expired(session.documents, provider.id)) {
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
