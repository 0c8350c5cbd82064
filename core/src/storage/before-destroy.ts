import type { OperationRun } from '../engine/operation.ts';
import type { Session } from '../host/session.ts';
import { takeSnapshot } from './take.ts';
import { hostOf } from './users.ts';
import { datedId } from './volume-ids.ts';

/** Takes a snapshot of each volume whose config says so, under the operation that is about to destroy it. */
export async function snapshotBeforeDestroy(
  session: Session,
  run: OperationRun,
  volumes: readonly string[],
): Promise<void> {
  for (const id of volumes) {
    const found = await session.briefly(`read volume ${id}`, (call) => session.documents.volumes.get(id, call));
    const document = found?.document;
    if (document?.onDestroy !== 'snapshot' || document.retained || document.phase !== 'ready') continue;
    const name = datedId(document.name, new Date(run.document.createdAt), `${run.id}/${id}`);
    // Where nothing runs on it, nobody writes to it, and nobody is there to be asked.
    const isIdle = (await hostOf(session, { id })) === undefined;
    await takeSnapshot(session, run, { id: name, volume: id, kind: 'destroy', ...(isIdle && { quiesce: 'none' }) });
  }
}
