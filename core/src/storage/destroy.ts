import { z } from 'zod';
import type { OperationRun } from '../engine/operation.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import { isGood, type SnapshotDocument, type VolumeDocument } from './documents.ts';
import { DocumentHold } from './hold-document.ts';
import { Storage } from './provider.ts';
import { usersOf } from './users.ts';

const REMOVE_SECONDS = 3600;

export const destroyVolumeInputSchema = z.object({ id: z.string() });
export const destroySnapshotInputSchema = z.object({ id: z.string(), evenLastGood: z.boolean() });
export const expireInputSchema = z.object({ volume: z.string(), snapshots: z.array(z.string()) });

/** @throws ProviderError `refused`: something uses it, or its snapshots would go with it. To destroy what is gone succeeds. */
export async function destroyVolume(
  session: Session,
  run: OperationRun,
  { id }: z.output<typeof destroyVolumeInputSchema>,
): Promise<VolumeDocument | undefined> {
  const hold = new DocumentHold(session, session.documents.volumes, run, id);
  const users = await usersOf(session, id);
  if (users.length > 0)
    throw inUse(
      id,
      users.map((one) => one.id),
    );
  const taken = await hold.take(
    (found) => (found && found.phase !== 'gone' ? { ...found, phase: 'destroying' } : undefined),
    'tell',
  );
  if (!taken) return undefined;
  // One that began to mount it before it was taken has written itself down by now.
  const late = await usersOf(session, id);
  if (late.length > 0) {
    await hold.release((now) => ({ ...now, phase: now.volume ? 'ready' : 'creating' }));
    throw inUse(
      id,
      late.map((one) => one.id),
    );
  }
  const storage = await Storage.of(session, taken.provider);
  await run.step({
    id: `destroy/${id}`,
    title: `destroy volume ${id}`,
    result: z.undefined(),
    deadlineSeconds: REMOVE_SECONDS,
    run: async (call) => {
      await storage.destroyVolume(id, call);
      return undefined;
    },
  });
  // Others may have been swapped in for it: its place stays known.
  if (taken.current !== undefined) return hold.release((now) => ({ ...now, phase: 'gone' }));
  await hold.remove();
  return undefined;
}

/** @throws ProviderError `refused`: it is the last good backup of its volume, or a person keeps it. */
export async function destroySnapshot(
  session: Session,
  run: OperationRun,
  { id, evenLastGood }: z.output<typeof destroySnapshotInputSchema>,
): Promise<undefined> {
  const found = await session.briefly(`read snapshot ${id}`, (call) => session.documents.snapshots.get(id, call));
  if (!found) return undefined;
  if (!evenLastGood) await refuseLastGood(session, found.document);
  const hold = new DocumentHold(session, session.documents.snapshots, run, id);
  const taken = await hold.take((now) => now && { ...now, phase: 'destroying' }, 'tell');
  if (taken) await removeSnapshot(session, id);
  return undefined;
}

/** Destroys what has outlived its promise. */
export async function expire(
  session: Session,
  _run: OperationRun,
  { snapshots }: z.output<typeof expireInputSchema>,
): Promise<readonly string[]> {
  for (const id of snapshots) await removeSnapshot(session, id);
  return snapshots;
}

/** It is not listed as ready from the first write on; its document goes last, so that gc finds what is left. */
export async function removeSnapshot(session: Session, id: string): Promise<void> {
  const { snapshots } = session.documents;
  const found = await session.briefly(`read snapshot ${id}`, (call) => snapshots.get(id, call));
  if (!found) return;
  const { document } = await session.briefly(`write snapshot ${id}`, (call) =>
    snapshots.update(id, (now) => (now.phase === 'destroying' ? undefined : { ...now, phase: 'destroying' }), call),
  );
  const storage = await Storage.of(session, document.provider);
  await session.briefly(`destroy snapshot ${id}`, (call) => storage.destroySnapshot(id, call), REMOVE_SECONDS);
  await session.briefly(`forget snapshot ${id}`, async (call) => {
    const now = await snapshots.get(id, call);
    if (now) await snapshots.delete(now, call);
  });
}

async function refuseLastGood(session: Session, document: SnapshotDocument): Promise<void> {
  if (document.retained)
    throw new ProviderError('refused', `snapshot ${document.id} is kept: ${document.retained.why}`, {
      effect: 'none',
      hint: `clusternator storage retain ${document.id} --release, or add --force`,
    });
  if (!document.backup || !isGood(document)) return;
  const others = await session.briefly('look for other backups', async (call) => {
    for await (const { document: other } of session.documents.snapshots.list(call))
      if (other.id !== document.id && other.place === document.place && other.backup && isGood(other)) return true;
    return false;
  });
  if (others) return;
  throw new ProviderError('refused', `snapshot ${document.id} is the last good backup of ${document.volume}`, {
    effect: 'none',
    hint: `take another one: clusternator backup run ${document.volume}; or add --force`,
  });
}

function inUse(id: string, users: readonly string[]): ProviderError {
  return new ProviderError('refused', `volume ${id} is in use by ${users.join(', ')}`, {
    effect: 'none',
    hint: `clusternator storage show ${id}`,
  });
}
