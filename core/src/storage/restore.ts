import { z } from 'zod';
import type { OperationRun } from '../engine/operation.ts';
import type { Session } from '../host/session.ts';
import { lineage } from '../environment/life.ts';
import { readTag } from '../names/tags.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import type { Tags } from '../provider/resource.ts';
import { isGood, reviveSnapshot, type SnapshotDocument, type VolumeDocument } from './documents.ts';
import { DocumentHold } from './hold-document.ts';
import { errorsOf, Storage } from './provider.ts';
import { runInScratch, scratchId } from './scratch.ts';
import { volumeSpec } from './scratch-volume.ts';
import type { Volume } from './storage.ts';
import { nothingRuns, standInFor } from './stand-in.ts';
import { volumeSchema } from './volumes.ts';

const RESTORE_SECONDS = 24 * 3600;

export const restoreInputSchema = z.object({
  /** Of the new volume. */
  id: z.string(),
  snapshot: z.string(),
});
export type RestoreInput = z.output<typeof restoreInputSchema>;

/**
 * Makes a new volume from a snapshot. No volume that is there is touched. It is kept until somebody swaps it in or destroys it.
 * @throws ProviderError `damaged`: the snapshot is not what was written, and nothing of the new volume is left; `quota`.
 */
export async function restoreVolume(
  session: Session,
  run: OperationRun,
  { id, snapshot: name }: RestoreInput,
): Promise<VolumeDocument> {
  const snapshot = await usableSnapshot(session, name);
  const storage = await Storage.toMake(session, snapshot.provider);
  const original = await originalOf(session, snapshot);
  const copied: Copied = {
    name: snapshot.name,
    holdsSlotData: snapshot.holdsSlotData,
    origin: snapshot.id,
    provider: snapshot.provider,
    original,
    ...(snapshot.slot !== undefined && { slot: snapshot.slot }),
    ...(snapshot.environment !== undefined && { environment: snapshot.environment }),
  };
  const spec = volumeSpec(
    session,
    id,
    { name: snapshot.name, spec: original?.spec ?? { ...snapshot.spec, ...snapshot.spec.volume } },
    snapshot.content === 'volume' ? { snapshot: wholeSnapshot(snapshot) } : undefined,
    copyDetails(copied, snapshot.spec.tags),
  );
  return makeNewVolume(session, run, storage, {
    document: copyOf(session, id, spec, copied),
    title: `restore ${snapshot.id} into ${id}`,
    make: async (call) => {
      const volume = await storage.makeVolume(spec, call);
      if (snapshot.content === 'dump') await readDump(session, storage, run, snapshot, volume, call);
      return volume;
    },
  });
}

/** A volume that is nobody's yet, under the operation that makes it. What fails leaves nothing. */
export async function makeNewVolume(
  session: Session,
  run: OperationRun,
  storage: Storage,
  {
    document,
    title,
    make,
  }: { readonly document: VolumeDocument; readonly title: string; readonly make: (call: Call) => Promise<Volume> },
): Promise<VolumeDocument> {
  const { id } = document;
  const hold = new DocumentHold(session, session.documents.volumes, run, id);
  const taken = await hold.take((found) => {
    if (found?.phase === 'ready' && found.owner === undefined && found.origin === document.origin) return undefined;
    if (found && found.owner?.operation !== run.id) throw isTaken(id);
    return document;
  }, 'tell');
  const step = {
    id: `volume/${id}`,
    title,
    result: volumeSchema,
    deadlineSeconds: RESTORE_SECONDS,
    ...errorsOf(storage),
  };
  try {
    const volume = await run.step({ ...step, run: make });
    if (!taken) return { ...document, phase: 'ready', volume };
    const readyAt = session.clock.now().toISOString();
    return await hold.release((now) => ({ ...now, phase: 'ready', volume, readyAt }));
  } catch (error) {
    if (!run.signal.aborted && taken) {
      await session.briefly(`remove volume ${id}`, (call) => storage.destroyVolume(id, call), 600);
      await hold.remove();
    }
    throw error;
  }
}

/** What a volume that is made beside the one in use is a copy of. */
export interface Copied
  extends
    Pick<VolumeDocument, 'name' | 'holdsSlotData' | 'provider'>,
    Partial<Pick<VolumeDocument, 'slot' | 'environment'>> {
  readonly origin: string;
  readonly original: VolumeDocument | undefined;
}

/** What the tags of a copy tell. @param like - Tags of what it is made from, where the original is gone. */
export function copyDetails(from: Copied, like?: Tags): Record<string, string> {
  const { original, origin, slot, holdsSlotData } = from;
  const place = original ? (original.place ?? original.id) : like && readTag(like, 'place');
  return {
    ...lineage(original?.spec.tags ?? like ?? {}),
    scope: scopeOf(from),
    origin,
    slotdata: String(holdsSlotData),
    ondestroy: 'retain',
    ...(place !== undefined && { place }),
    ...(slot !== undefined && { slot }),
  };
}

function scopeOf({ original, slot, environment }: Copied): VolumeDocument['scope'] {
  return original?.scope ?? (slot !== undefined ? 'slot' : environment !== undefined ? 'env' : 'project');
}

/** The document of a volume that is made beside the one in use. */
export function copyOf(session: Session, id: string, spec: VolumeDocument['spec'], from: Copied): VolumeDocument {
  const { original, origin, slot, environment } = from;
  const at = session.clock.now().toISOString();
  return {
    schema: 1,
    id,
    name: from.name,
    scope: scopeOf(from),
    phase: 'creating',
    generation: 0,
    origin,
    holdsSlotData: from.holdsSlotData,
    provider: from.provider,
    spec,
    onDestroy: 'retain',
    retained: { at, why: `made from ${origin}` },
    createdAt: at,
    ...(original && { place: original.place ?? original.id }),
    ...(slot !== undefined && { slot }),
    ...(environment !== undefined && { environment }),
  };
}

/** @throws ProviderError `not-found`, `conflict`, `damaged`. */
export async function usableSnapshot(session: Session, id: string): Promise<SnapshotDocument> {
  const found = await session.briefly(`read snapshot ${id}`, (call) => session.documents.snapshots.get(id, call));
  if (!found)
    throw new ProviderError('not-found', `there is no snapshot ${id}`, { hint: 'clusternator storage snapshots' });
  const { document } = found;
  if (isGood(document)) return document;
  if (document.phase !== 'ready')
    throw new ProviderError('conflict', `snapshot ${id} is ${document.phase}`, { effect: 'none' });
  throw new ProviderError(
    'damaged',
    `snapshot ${id} is not good: ${document.verified?.message ?? 'its check failed'}`,
    {
      effect: 'none',
      hint: `clusternator backup list ${document.volume} shows the others`,
    },
  );
}

export function wholeSnapshot({ id, snapshot }: SnapshotDocument) {
  if (snapshot) return reviveSnapshot(snapshot);
  throw new ProviderError('internal', `snapshot ${id} is ready, but was never seen`);
}

export async function originalOf(session: Session, { volume }: SnapshotDocument): Promise<VolumeDocument | undefined> {
  const found = await session.briefly(`read volume ${volume}`, (call) => session.documents.volumes.get(volume, call));
  return found?.document.isScratch ? undefined : found?.document;
}

/** A dump is read by the service that wrote it, on the new volume. */
export async function readDump(
  session: Session,
  storage: Storage,
  run: OperationRun,
  snapshot: SnapshotDocument,
  volume: Volume,
  call: Call,
): Promise<void> {
  const { restore, id } = snapshot;
  const { snapshots } = storage;
  if (!restore || !snapshots.open) {
    throw new ProviderError('unsupported', `nothing reads the dump ${id} again: its quiesce has no restore command`, {
      path: 'volumes',
    });
  }
  const standIn = await standInFor(session, run, snapshot);
  if (!standIn) throw nothingRuns(snapshot, 'the restore command');
  const open = snapshots.open.bind(snapshots);
  try {
    const scratch = {
      id: scratchId(run.id),
      services: standIn.services,
      replaces: standIn.mounted,
      volume,
      service: restore.service,
      command: restore.run,
      input: () => open(wholeSnapshot(snapshot), call),
    };
    const { code, said } = await runInScratch(session, storage.bound, scratch, call);
    if (code !== 0) throw new ProviderError('unhealthy', `reading the dump ${id} ended with ${String(code)}: ${said}`);
  } finally {
    await standIn.release();
  }
}

function isTaken(id: string): ProviderError {
  return new ProviderError('already-exists', `there is a volume ${id} already`, {
    effect: 'none',
    hint: 'give it another name',
  });
}
