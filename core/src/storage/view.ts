import type { BackupReport, SnapshotView, VolumeView } from '../host/storage.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import { allSnapshots, allVolumes } from './backups.ts';
import { isGood, type SnapshotDocument, type VolumeDocument } from './documents.ts';
import { mounts } from './users.ts';

/** A cron job that comes each minute is never on the second. */
const LATE_FACTOR = 1.1;
const LATE_SECONDS = 120;

export function volumeView(
  document: VolumeDocument,
  current: string | undefined,
  environments: readonly EnvironmentDocument[],
): VolumeView {
  const { id, name, scope, slot, environment, phase, spec, volume, origin, onDestroy, retained, backup, lastBackup } =
    document;
  const users = environments.filter((one) => one.phase !== 'gone' && mounts(one, id)).map((one) => one.id);
  return {
    id,
    name,
    scope,
    state: phase === 'gone' ? 'destroying' : phase,
    kind: spec.kind,
    sizeGiB: volume?.sizeGiB ?? spec.sizeGiB,
    isInUse: current === id && phase === 'ready',
    users,
    onDestroy,
    holdsSlotData: document.holdsSlotData,
    createdAt: document.createdAt,
    ...(slot !== undefined && { slot }),
    ...(environment !== undefined && { environment }),
    ...(origin !== undefined && { origin }),
    ...(retained && { retained }),
    ...(document.owner && { operation: document.owner.operation }),
    ...(backup && {
      backup: {
        everySeconds: backup.everySeconds,
        quiesce: typeof backup.quiesce === 'string' ? backup.quiesce : 'dump' in backup.quiesce ? 'dump' : 'commands',
        ...(lastBackup && { lastAt: lastBackup.at }),
        ...(lastBackup?.error !== undefined && { error: lastBackup.error }),
      },
    }),
  };
}

export function snapshotView(document: SnapshotDocument): SnapshotView {
  const { id, volume, name, slot, environment, phase, kind, content, quiesce, takenAt, bytes, backup } = document;
  const { retained, verified, holdsSlotData, owner } = document;
  return {
    id,
    volume,
    name,
    state: phase,
    kind,
    content,
    quiesce,
    holdsSlotData,
    ...(slot !== undefined && { slot }),
    ...(environment !== undefined && { environment }),
    ...(takenAt !== undefined && { takenAt }),
    ...(bytes !== undefined && { bytes }),
    ...(backup && backup.missed > 0 && { missed: backup.missed }),
    ...(retained && { retained }),
    ...(verified && { verified }),
    ...(owner && { operation: owner.operation }),
  };
}

/** By id. @param all - Also what operations use for themselves. */
export async function listVolumes(session: Session, all: boolean): Promise<readonly VolumeView[]> {
  const documents = await allVolumes(session);
  const environments = await session.briefly('read the environments', async (call) => {
    const found: EnvironmentDocument[] = [];
    for await (const { document } of session.documents.environments.list(call)) found.push(document);
    return found;
  });
  const byId = new Map(documents.map((one) => [one.id, one] as const));
  return documents
    .filter(({ phase, isScratch }) => phase !== 'gone' && (all || !isScratch))
    .map((document) => volumeView(document, currentOf(document, byId), environments));
}

function currentOf({ id, place = id }: VolumeDocument, byId: ReadonlyMap<string, VolumeDocument>): string {
  return byId.get(place)?.current ?? place;
}

/** Newest first. */
export async function listSnapshots(session: Session, place?: string): Promise<readonly SnapshotDocument[]> {
  const all = await allSnapshots(session);
  const time = ({ takenAt, createdAt }: SnapshotDocument): string => takenAt ?? createdAt;
  return all
    .filter((one) => place === undefined || one.place === place || one.volume === place)
    .sort((a, b) => time(b).localeCompare(time(a)));
}

/** A volume's document by any unique prefix of its id. @throws ProviderError `not-found`, `invalid`. */
export async function findVolume(session: Session, text: string): Promise<VolumeDocument> {
  const found = (await allVolumes(session)).filter(({ phase }) => phase !== 'gone');
  return theOne(text, found, 'volume', 'clusternator storage list');
}

export async function findSnapshot(session: Session, text: string): Promise<SnapshotDocument> {
  return theOne(text, await allSnapshots(session), 'snapshot', 'clusternator storage snapshots');
}

export function theOne<T extends { readonly id: string }>(
  text: string,
  all: readonly T[],
  what: string,
  hint: string,
): T {
  const exact = all.find(({ id }) => id === text);
  const starting = all.filter(({ id }) => id.startsWith(text) && text !== '');
  const [first, ...more] = exact ? [exact] : starting;
  if (first && more.length === 0) return first;
  if (first) {
    throw new ProviderError('invalid', `"${text}" can be ${starting.map(({ id }) => id).join(', ')}`, {
      hint: 'give more of the id',
    });
  }
  throw new ProviderError('not-found', `there is no ${what} "${text}"`, { hint });
}

/** The age of the backups against what the config promises. */
export async function backupReport(session: Session): Promise<readonly BackupReport[]> {
  const now = session.clock.now().getTime();
  const snapshots = await allSnapshots(session);
  return (await allVolumes(session)).flatMap((volume) => {
    const { backup, lastBackup, phase, retained } = volume;
    if (!backup || phase !== 'ready' || retained) return [];
    const mine = snapshots
      .filter((one) => one.backup && one.place === (volume.place ?? volume.id) && one.phase === 'ready')
      .sort((a, b) => (b.backup?.sequence ?? 0) - (a.backup?.sequence ?? 0));
    const good = mine.filter(isGood);
    const [newest] = good;
    const verified = good.find((one) => one.verified?.isGood === true);
    const ageSeconds =
      newest?.takenAt === undefined ? undefined : Math.max(0, (now - Date.parse(newest.takenAt)) / 1000);
    const allowed = Math.max(backup.everySeconds * LATE_FACTOR, backup.everySeconds + LATE_SECONDS);
    return [
      {
        volume: volume.id,
        everySeconds: backup.everySeconds,
        count: good.length,
        bytes: good.reduce((sum, one) => sum + (one.bytes ?? 0), 0),
        ...(newest?.takenAt !== undefined &&
          ageSeconds !== undefined && { newest: { snapshot: newest.id, takenAt: newest.takenAt, ageSeconds } }),
        ...(verified?.verified && { verified: { snapshot: verified.id, at: verified.verified.at } }),
        bad: mine.filter((one) => !isGood(one)).map(({ id }) => id),
        isKept: ageSeconds !== undefined && ageSeconds <= allowed,
        ...(lastBackup?.error !== undefined && { error: lastBackup.error }),
      },
    ];
  });
}
