import { hasEnded } from '../engine/ownership.ts';
import { resumeOperation } from '../engine/operation.ts';
import { messageOf } from '../engine/thrown.ts';
import type { Work } from '../environment/gc.ts';
import type { Session } from '../host/session.ts';
import type { OperationDocument } from '../state/documents.ts';
import { allSnapshots, allVolumes } from './backups.ts';
import { removeSnapshot } from './destroy.ts';
import type { SnapshotDocument, VolumeDocument } from './documents.ts';
import { isFree } from './hold-document.ts';
import { isStorageKind } from './operations.ts';
import { Storage } from './provider.ts';
import { releaseWriters } from './quiesced.ts';
import { scratchId } from './scratch.ts';

/** An interrupted operation is somebody's to resume for so long. One whose process was killed is nobody's. */
const UNFINISHED_SECONDS = 3600;
const REMOVE_SECONDS = 3600;

/** Scratch environments that a living operation works with. */
export async function livingScratch(session: Session): Promise<ReadonlySet<string>> {
  const living = new Set<string>();
  for (const { id, owner, phase } of await allSnapshots(session))
    if (phase === 'creating' && owner && (await isLiving(session, owner.operation)))
      living.add(scratchId(id).slice(0, 63));
  await session.briefly('look for operations', async (call) => {
    for await (const { id, document } of session.documents.operations.list(call))
      if (isStorageKind(document.kind) && !hasEnded(document) && !isFree(session, document)) living.add(scratchId(id));
  });
  return living;
}

/** Volumes and snapshots that are half made, or were for an operation that is over. Never what is whole, and never what is kept. */
export async function storageLeftovers(session: Session): Promise<readonly Work[]> {
  const volumes = (await allVolumes(session)).filter(
    ({ phase, isScratch }) => phase === 'destroying' || phase === 'creating' || isScratch === true,
  );
  const snapshots = (await allSnapshots(session)).filter(({ phase }) => phase !== 'ready');
  const found: Work[] = [];
  for (const one of volumes) {
    const why = await abandoned(session, one);
    if (why !== undefined) found.push({ id: one.id, type: 'volume', why, run: () => removeVolume(session, one) });
  }
  for (const one of snapshots) {
    const why = await abandoned(session, one);
    if (why !== undefined)
      found.push({ id: one.id, type: 'snapshot', why, run: () => removeHalfSnapshot(session, one) });
  }
  return found;
}

/** Why nobody finishes it. Undefined: somebody does, or may. */
async function abandoned(
  session: Session,
  { owner, phase }: VolumeDocument | SnapshotDocument,
): Promise<string | undefined> {
  if (!owner) return phase === 'ready' ? 'its operation is over' : `it was left ${phase}`;
  const operation = await read(session, owner.operation);
  if (!operation || hasEnded(operation)) return `its operation has ended, and left it ${phase}`;
  // What an environment or a slot needs is for the operation on those.
  if (!isStorageKind(operation.kind) || !isFree(session, operation)) return undefined;
  const ageSeconds = (session.clock.now().getTime() - Date.parse(operation.updatedAt)) / 1000;
  if (operation.state === 'interrupted' && ageSeconds < UNFINISHED_SECONDS) return undefined;
  return `its ${operation.kind} was killed, and left it ${phase}`;
}

async function removeVolume(session: Session, { id, provider, owner }: VolumeDocument): Promise<boolean> {
  const operation = owner?.operation;
  return withoutOperation(session, operation, undefined, async () => {
    const storage = await Storage.of(session, provider);
    await session.briefly(`remove volume ${id}`, (call) => storage.destroyVolume(id, call), REMOVE_SECONDS);
    return session.briefly(`forget volume ${id}`, async (call) => {
      const found = await session.documents.volumes.get(id, call);
      if (found) await session.documents.volumes.delete(found, call);
      return true;
    });
  });
}

async function removeHalfSnapshot(session: Session, { id, owner }: SnapshotDocument): Promise<boolean> {
  return withoutOperation(session, owner?.operation, id, async () => {
    await removeSnapshot(session, id);
    return true;
  });
}

/** Takes the operation away from whoever might resume it, lets writers go on, and ends it. */
async function withoutOperation(
  session: Session,
  operation: string | undefined,
  snapshot: string | undefined,
  remove: () => Promise<boolean>,
): Promise<boolean> {
  const document = operation === undefined ? undefined : await read(session, operation);
  if (!document || hasEnded(document)) return remove();
  const run = await resumeOperation(session.operations, document.id);
  try {
    if (snapshot !== undefined) await releaseWriters(session, run, snapshot);
    const removed = await remove();
    await run.abort();
    return removed;
  } catch (error) {
    session.emit({ type: 'warning', message: messageOf(error) });
    await run.interrupt();
    throw error;
  }
}

async function isLiving(session: Session, id: string): Promise<boolean> {
  const operation = await read(session, id);
  return operation !== undefined && !hasEnded(operation) && !isFree(session, operation);
}

async function read(session: Session, id: string): Promise<OperationDocument | undefined> {
  return (await session.briefly(`read operation ${id}`, (call) => session.documents.operations.get(id, call)))
    ?.document;
}
