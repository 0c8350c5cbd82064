import { messageOf } from '../engine/thrown.ts';
import { hasEnded } from '../engine/ownership.ts';
import { newOperationId, resumeOperation } from '../engine/operation.ts';
import type { Session } from '../host/session.ts';
import type { BackupRun } from '../host/storage.ts';
import { ProviderError } from '../provider/error.ts';
import type { SnapshotDocument, VolumeDocument } from './documents.ts';
import { isFree } from './hold-document.ts';
import { runStorage } from './operations.ts';
import { dueBackups, elapsedAt, expiredBackups, type DueBackup } from './schedule.ts';
import { datedId } from './volume-ids.ts';

/**
 * Takes the backups that are due, or those of the named volumes at once, then lets expire what has outlived its promise. One that fails keeps
 * no other from being taken.
 */
export async function runBackups(
  session: Session,
  request: { readonly due: boolean; readonly volumes?: readonly string[]; readonly dryRun: boolean },
): Promise<readonly BackupRun[]> {
  if (!request.dryRun) await finishLeftSnapshots(session);
  const volumes = await allVolumes(session);
  const wanted = request.due ? dueBackups(volumes, session.clock.now()) : named(volumes, request.volumes ?? []);
  const runs: BackupRun[] = [];
  for (const due of wanted) runs.push(request.dryRun ? planned(due) : await runBackup(session, due));
  return runs;
}

export async function allVolumes(session: Session): Promise<readonly VolumeDocument[]> {
  return session.briefly('read the volumes', async (call) => {
    const found: VolumeDocument[] = [];
    for await (const { document } of session.documents.volumes.list(call)) found.push(document);
    return found;
  });
}

export async function allSnapshots(session: Session): Promise<readonly SnapshotDocument[]> {
  return session.briefly('read the snapshots', async (call) => {
    const found: SnapshotDocument[] = [];
    for await (const { document } of session.documents.snapshots.list(call)) found.push(document);
    return found;
  });
}

function planned({ volume, missed }: DueBackup): BackupRun {
  return { volume: volume.id, state: 'planned', missed, expired: [] };
}

function named(volumes: readonly VolumeDocument[], ids: readonly string[]): readonly DueBackup[] {
  const promising = volumes.filter(({ backup, phase, retained }) => backup && phase === 'ready' && !retained);
  if (ids.length === 0) return promising.map((volume) => ({ volume, missed: 0 }));
  return ids.map((id) => {
    const volume = promising.find((one) => one.id === id);
    if (volume) return { volume, missed: 0 };
    throw new ProviderError('invalid', `volume ${id} promises no backups`, {
      path: 'volumes',
      hint: `give it backup: { every: 6h, keep: 14d }, or: clusternator storage snapshot ${id}`,
    });
  });
}

async function runBackup(session: Session, { volume, missed }: DueBackup): Promise<BackupRun> {
  if (await isBeingTaken(session, volume)) {
    return { volume: volume.id, state: 'skipped', missed, expired: [], message: 'one is being taken just now' };
  }
  const claimed = await claim(session, volume);
  if (!claimed)
    return { volume: volume.id, state: 'skipped', missed, expired: [], message: 'another process takes it' };
  const { sequence, at, elapsedSeconds } = claimed;
  const id = datedId(`backup-${volume.name}`, new Date(at), `${volume.id}/${String(sequence)}`);
  const input = { id, volume: volume.id, kind: 'backup' as const, backup: { sequence, elapsedSeconds, missed } };
  try {
    const { result, operation } = await runStorage(session, 'snapshot', id, input);
    const expired = await expireBackups(session, volume.id);
    const { bytes } = result;
    return {
      volume: volume.id,
      state: 'taken',
      snapshot: id,
      operation,
      missed,
      expired,
      ...(bytes !== undefined && { bytes }),
    };
  } catch (error) {
    if (session.operations.signal.aborted) throw error;
    const message = messageOf(error);
    await session.briefly(`write volume ${volume.id}`, (call) =>
      session.documents.volumes.update(
        volume.id,
        (now) =>
          now.lastBackup?.sequence === sequence
            ? { ...now, lastBackup: { ...now.lastBackup, error: message } }
            : undefined,
        call,
      ),
    );
    session.emit({ type: 'warning', message: `backup of ${volume.id}: ${message}` });
    return { volume: volume.id, state: 'failed', missed, expired: [], message };
  }
}

async function isBeingTaken(session: Session, { id }: VolumeDocument): Promise<boolean> {
  const unfinished = (await allSnapshots(session)).filter(
    ({ volume, kind, phase, owner }) => volume === id && kind === 'backup' && phase === 'creating' && owner,
  );
  for (const { owner } of unfinished) {
    const found = await session.briefly('read an operation', (call) =>
      session.documents.operations.get(owner?.operation ?? '', call),
    );
    if (found && !hasEnded(found.document)) return true;
  }
  return false;
}

/** Of two that find it due, one takes it. */
async function claim(
  session: Session,
  { id, lastBackup, backup }: VolumeDocument,
): Promise<NonNullable<VolumeDocument['lastBackup']> | undefined> {
  const now = session.clock.now();
  const mine = {
    sequence: (lastBackup?.sequence ?? 0) + 1,
    at: now.toISOString(),
    elapsedSeconds: elapsedAt(lastBackup, backup?.everySeconds ?? 0, now),
    by: newOperationId(),
  };
  const { document } = await session.briefly(`write volume ${id}`, (call) =>
    session.documents.volumes.update(
      id,
      (found) => (found.lastBackup?.sequence === lastBackup?.sequence ? { ...found, lastBackup: mine } : undefined),
      call,
    ),
  );
  // Another one that came at the same moment has left its own mark.
  return document.lastBackup?.by === mine.by ? mine : undefined;
}

/** @returns What expired. */
export async function expireBackups(session: Session, id: string): Promise<readonly string[]> {
  const found = await session.briefly(`read volume ${id}`, (call) => session.documents.volumes.get(id, call));
  if (!found) return [];
  const expired = expiredBackups(found.document, await allSnapshots(session), session.clock.now());
  const snapshots = expired.map((one) => one.id);
  if (snapshots.length > 0) await runStorage(session, 'expire', id, { volume: id, snapshots });
  return snapshots;
}

/** A killed one may have left writers waiting, and its volume without a backup. */
async function finishLeftSnapshots(session: Session): Promise<void> {
  const left = await session.briefly('look for unfinished snapshots', async (call) => {
    const found: string[] = [];
    for await (const { document } of session.documents.operations.list(call))
      if (document.kind === 'snapshot' && isFree(session, document)) found.push(document.id);
    return found;
  });
  for (const id of left) {
    try {
      session.emit({
        type: 'warning',
        message: `snapshot operation ${id} was left unfinished; going on with it first`,
      });
      await session.carryOn(await resumeOperation(session.operations, id));
    } catch (error) {
      if (session.operations.signal.aborted) throw error;
      session.emit({ type: 'warning', message: messageOf(error) });
    }
  }
}
