import { messageOf } from '../engine/thrown.ts';
import { newOperationId } from '../engine/operation.ts';
import { nameProblem } from '../names/name.ts';
import type {
  BackupRun,
  RestoreRequest,
  RestoreResult,
  SnapshotView,
  StoragePlan,
  Storages,
  SwapResult,
  Verification,
  VolumeView,
} from '../host/storage.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import { runBackups } from './backups.ts';
import { quiesceDocumentSchema, type VolumeDocument } from './documents.ts';
import { runStorage } from './operations.ts';
import { usableSnapshot } from './restore.ts';
import { lossOf } from './show.ts';
import { datedId, fitting } from './volume-ids.ts';
import { findSnapshot, findVolume, listSnapshots, listVolumes, snapshotView, theOne } from './view.ts';
import { currentId } from './volumes.ts';

/** Takes a snapshot, named or dated. */
export async function snapshotNow(
  session: Session,
  { volume: text, name, quiesce }: Parameters<Storages['snapshot']>[0],
): Promise<{ readonly operation: string; readonly snapshot: SnapshotView }> {
  const volume = await findVolume(session, text);
  const problem = name === undefined ? undefined : nameProblem(name);
  if (problem !== undefined)
    throw new ProviderError('invalid', `the name "${name ?? ''}" ${problem}`, { path: '--name' });
  const rule = quiesce === undefined ? undefined : quiesceDocumentSchema.safeParse(quiesce);
  if (rule?.success === false)
    throw new ProviderError('invalid', `"${quiesce ?? ''}" is no way to make an application consistent`, {
      path: '--quiesce',
      hint: 'none, auto, postgres, pg_dump, mysql or redis',
    });
  const id = name ?? datedId(volume.name, session.clock.now(), newOperationId());
  const input = { id, volume: volume.id, kind: 'manual' as const, ...(rule && { quiesce: rule.data }) };
  const { operation, result } = await runStorage(session, 'snapshot', id, input);
  return { operation, snapshot: snapshotView(result) };
}

/** Makes a new volume of a snapshot and, where it is to be swapped in, puts it in the place of the one in use. */
export async function restore(session: Session, request: RestoreRequest): Promise<RestoreResult> {
  const snapshot = await usableSnapshot(session, (await findSnapshot(session, request.snapshot)).id);
  const id = newVolumeId(request.as, `${snapshot.name}-restored`);
  const { operation, result } = await runStorage(session, 'restore', id, { id, snapshot: snapshot.id });
  const volume = await viewOf(session, result.id);
  if (request.swap !== true) return { operation, volume };
  const kept = await keepCurrent(session, snapshot.place);
  const swapped = await swap(session, { ...request, volume: id });
  return { operation, volume, swapped, ...(kept && { kept }) };
}

/** What is about to be left, as a snapshot of its own: the volume stays too, but somebody may destroy it. */
async function keepCurrent(session: Session, place: string): Promise<SnapshotView | undefined> {
  const volume = await currentId(session, place);
  const found = await session.briefly(`read volume ${volume}`, (call) => session.documents.volumes.get(volume, call));
  if (found?.document.phase !== 'ready') return undefined;
  const id = datedId(`before-${found.document.name}`, session.clock.now(), newOperationId());
  const input = { id, volume, kind: 'restore' as const, quiesce: 'none' as const };
  return snapshotView((await runStorage(session, 'snapshot', id, input)).result);
}

/** What a restore would do, and what would be lost. */
export async function planRestore(session: Session, request: RestoreRequest): Promise<StoragePlan> {
  const snapshot = await usableSnapshot(session, (await findSnapshot(session, request.snapshot)).id);
  const create = { action: 'create' as const, what: `volume ${request.as ?? '(new)'} from snapshot ${snapshot.id}` };
  if (request.swap !== true) return { changes: [create], interruptsSeconds: 0 };
  const current = await currentId(session, snapshot.place);
  const found = await session.briefly(`read volume ${current}`, (call) => session.documents.volumes.get(current, call));
  if (!found) return { changes: [create], interruptsSeconds: 0 };
  const changes = [create, { action: 'change' as const, what: `it takes the place of ${current}, which is kept` }];
  return {
    changes,
    loss: await lossOf(session, current, snapshot),
    interruptsSeconds: found.document.scope === 'env' ? RESTART_SECONDS : 0,
  };
}
/** What a stop and a start take, about. */
const RESTART_SECONDS = 10;

export async function clone(session: Session, request: Parameters<Storages['clone']>[0]): Promise<RestoreResult> {
  const source = await findVolume(session, request.volume);
  const id = newVolumeId(request.as, `${source.name}-clone`);
  const { operation, result } = await runStorage(session, 'clone', id, { id, volume: source.id });
  return { operation, volume: await viewOf(session, result.id) };
}

/** Uses a volume in place of the one in use. A slot that serves gets an environment on it at once: a promotion of the same commit. */
export async function swap(session: Session, request: Parameters<Storages['swap']>[0]): Promise<SwapResult> {
  const target = await findVolume(session, request.volume);
  const from = await currentId(session, target.place ?? target.id);
  if (from === target.id) return { place: target.place ?? target.id, from, to: from, behind: [] };
  const { result } = await runStorage(session, 'swap', target.place ?? target.id, { to: target.id, from });
  const promotion = await moveSlot(session, target, request);
  const behind = result.behind.filter((id) => id !== promotion?.to.environment);
  return { ...result, behind, ...(promotion && { promotion }) };
}

async function moveSlot(
  session: Session,
  { scope, slot }: VolumeDocument,
  { by, reason, environment }: Parameters<Storages['swap']>[0],
): Promise<SwapResult['promotion'] | undefined> {
  if (scope !== 'slot' || slot === undefined) return undefined;
  const found = await session.briefly(`read slot ${slot}`, (call) => session.documents.slots.get(slot, call));
  const head = found?.document.head;
  if (head === undefined) return undefined;
  const { promote } = await import('../slot/promote.ts');
  const why = { ...(by !== undefined && { by }), reason: reason ?? 'its data was restored' };
  return promote(session, { slot, environment: environment ?? head, ...why });
}

export async function retain(
  session: Session,
  id: string,
  { keep, why = 'a person keeps it' }: Parameters<Storages['retain']>[1],
): Promise<VolumeView | SnapshotView> {
  const found = await find(session, id);
  const retained = { at: session.clock.now().toISOString(), why };
  const change = <T extends { readonly retained?: { readonly at: string; readonly why: string } }>({
    retained: _,
    ...rest
  }: T): T => ({ ...rest, ...(keep && { retained }) }) as T; // `retained` is optional in each
  if (found.type === 'snapshot') {
    const { document } = await session.briefly(`write snapshot ${found.snapshot.id}`, (call) =>
      session.documents.snapshots.update(found.snapshot.id, change, call),
    );
    return snapshotView(document);
  }
  await session.briefly(`write volume ${found.volume.id}`, (call) =>
    session.documents.volumes.update(found.volume.id, change, call),
  );
  return viewOf(session, found.volume.id);
}

export async function destroy(
  session: Session,
  id: string,
  force: boolean,
): Promise<{ readonly operation: string; readonly id: string }> {
  const found = await find(session, id);
  if (found.type === 'volume') {
    const volume = found.volume.id;
    const { operation } = await runStorage(session, 'destroy-volume', volume, { id: volume });
    return { operation, id: volume };
  }
  const snapshot = found.snapshot.id;
  const { operation } = await runStorage(session, 'destroy-snapshot', snapshot, { id: snapshot, evenLastGood: force });
  return { operation, id: snapshot };
}

export async function find(session: Session, text: string): ReturnType<Storages['find']> {
  const volumes = (await listVolumes(session, true)).map((volume) => ({
    type: 'volume' as const,
    id: volume.id,
    volume,
  }));
  const snapshots = (await listSnapshots(session)).map((one) => ({
    type: 'snapshot' as const,
    id: one.id,
    snapshot: snapshotView(one),
  }));
  return theOne(text, [...volumes, ...snapshots], 'volume or snapshot', 'clusternator storage list');
}

export async function runBackupsOf(
  session: Session,
  { volumes, ...request }: { readonly due: boolean; readonly dryRun: boolean; readonly volumes?: readonly string[] },
): Promise<readonly BackupRun[]> {
  const ids = await Promise.all((volumes ?? []).map(async (text) => (await findVolume(session, text)).id));
  return runBackups(session, { ...request, ...(ids.length > 0 && { volumes: ids }) });
}

/** Of a snapshot, or the newest backup of a volume, or of each. */
export async function verify(session: Session, text: string | undefined): Promise<readonly Verification[]> {
  const done: Verification[] = [];
  const failed: unknown[] = [];
  for (const id of await toVerify(session, text)) {
    try {
      done.push((await runStorage(session, 'verify', id, { snapshot: id })).result);
    } catch (error) {
      if (session.operations.signal.aborted) throw error;
      failed.push(error);
      session.emit({ type: 'warning', message: `${id} was not verified: ${messageOf(error)}` });
    }
  }
  if (failed.length > 0) throw failed[0];
  return done;
}

async function toVerify(session: Session, text: string | undefined): Promise<readonly string[]> {
  const found = text === undefined ? undefined : await find(session, text);
  if (found?.type === 'snapshot') return [found.snapshot.id];
  const newest = new Map<string, string>();
  for (const one of await listSnapshots(session, found?.volume.id))
    if (one.kind === 'backup' && one.phase === 'ready' && !newest.has(one.place)) newest.set(one.place, one.id);
  if (found && newest.size === 0)
    throw new ProviderError('not-found', `there is no backup of ${found.volume.id}`, {
      hint: `clusternator backup run ${found.volume.id}`,
    });
  return [...newest.values()];
}

async function viewOf(session: Session, id: string): Promise<VolumeView> {
  return theOne(id, await listVolumes(session, true), 'volume', 'clusternator storage list');
}

function newVolumeId(asked: string | undefined, otherwise: string): string {
  if (asked === undefined) return fitting(`${otherwise}-${newOperationId().slice(-8)}`);
  const problem = nameProblem(asked);
  if (problem === undefined) return asked;
  throw new ProviderError('invalid', `the name "${asked}" ${problem}`, { path: '--as' });
}
