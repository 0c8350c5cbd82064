import { z } from 'zod';
import type { OperationRun } from '../engine/operation.ts';
import type { Session } from '../host/session.ts';
import { lineage } from '../environment/life.ts';
import { fingerprint } from '../names/fingerprint.ts';
import { tagsFor } from '../names/tags.ts';
import { ProviderError } from '../provider/error.ts';
import { quiesceDocumentSchema, reviveSnapshot, type SnapshotDocument, type VolumeDocument } from './documents.ts';
import { DocumentHold } from './hold-document.ts';
import { errorsOf, Storage } from './provider.ts';
import { takeQuiesced } from './quiesced.ts';
import type { Snapshot, SnapshotSpec } from './storage.ts';
import { planQuiesce, type QuiescePlan } from './plan-quiesce.ts';

const TAKE_SECONDS = 24 * 3600;

/** What is to be taken. All that a process needs that goes on with it. */
export const takeInputSchema = z.object({
  /** The snapshot's id. */
  id: z.string(),
  /** The volume's document. */
  volume: z.string(),
  kind: z.enum(['manual', 'backup', 'seed', 'destroy', 'migration', 'restore', 'clone']),
  /** In place of what the volume's backups do. */
  quiesce: quiesceDocumentSchema.exactOptional(),
  backup: z.object({ sequence: z.int(), elapsedSeconds: z.number(), missed: z.int() }).exactOptional(),
  /** The data was cleaned. */
  isClean: z.boolean().exactOptional(),
});
export type TakeInput = z.output<typeof takeInputSchema>;

export const snapshotResultSchema = z.custom<Snapshot>((value) => typeof value === 'object' && value !== null);

/**
 * Takes one snapshot, under the operation that it is part of. Taken again under the same id and of the same volume, it is the one that is there.
 * What fails leaves nothing; what is killed is finished, or taken anew, by whoever resumes the operation.
 * @throws ProviderError `already-exists`: of another volume; `not-found`; `unhealthy`: the application could not be made consistent; what the
 *   provider says.
 */
export async function takeSnapshot(session: Session, run: OperationRun, input: TakeInput): Promise<SnapshotDocument> {
  const volume = await readyVolume(session, input.volume);
  const storage = await Storage.toMake(session, volume.provider);
  const { snapshots } = storage;
  const hold = new DocumentHold(session, session.documents.snapshots, run, input.id);
  const quiesce = await planQuiesce(session, volume, input.quiesce ?? volume.backup?.quiesce ?? 'none');
  const spec = snapshotSpec(session, volume, input, quiesce);
  const taken = await hold.take((found) => {
    if (found && found.volume !== volume.id) throw ofAnother(found, volume);
    if (found?.phase === 'ready') return undefined;
    return firstSnapshotDocument(session, volume, input, spec, quiesce);
  }, 'wait');
  if (!taken) return existing(session, input.id);
  try {
    const snapshot = await run.step({
      id: `snapshot/${input.id}`,
      title: `take snapshot ${input.id} of ${volume.id}`,
      result: snapshotResultSchema,
      deadlineSeconds: TAKE_SECONDS,
      ...errorsOf(storage),
      // A quiesced copy can't be gone on with: whoever held the writers is gone. It is let go, and made anew.
      run: async (call) => takeQuiesced({ session, run, storage, snapshots, spec, quiesce, id: input.id }, call),
    });
    const whole = reviveSnapshot(snapshot);
    return await hold.release((document) => ({
      ...document,
      phase: 'ready',
      snapshot: whole,
      takenAt: whole.takenAt.toISOString(),
      ...(whole.bytes !== undefined && { bytes: whole.bytes }),
    }));
  } catch (error) {
    if (!run.signal.aborted) await discard(session, storage, hold, spec);
    throw error;
  }
}

async function discard(
  session: Session,
  storage: Storage,
  hold: DocumentHold<SnapshotDocument>,
  spec: SnapshotSpec,
): Promise<void> {
  await session.briefly(`remove snapshot ${spec.id}`, (call) => storage.destroySnapshot(spec.id, call), 600);
  await hold.remove();
}

/** @throws ProviderError `not-found`; `conflict`: it is not whole. */
export async function readyVolume(
  session: Session,
  id: string,
): Promise<VolumeDocument & Required<Pick<VolumeDocument, 'volume'>>> {
  const found = await session.briefly(`read volume ${id}`, (call) => session.documents.volumes.get(id, call));
  const document = found?.document;
  if (!document || document.phase === 'gone') {
    throw new ProviderError('not-found', `there is no volume ${id}`, { hint: 'clusternator storage list' });
  }
  const { volume, phase } = document;
  if (volume && phase === 'ready') return { ...document, volume };
  throw new ProviderError('conflict', `volume ${id} is ${phase}`, {
    effect: 'none',
    hint: `clusternator storage show ${id}`,
  });
}

async function existing(session: Session, id: string): Promise<SnapshotDocument> {
  const found = await session.briefly(`read snapshot ${id}`, (call) => session.documents.snapshots.get(id, call));
  if (found) return found.document;
  throw new ProviderError('conflict', `snapshot ${id} was destroyed just now`);
}

export function snapshotSpec(
  session: Session,
  volume: VolumeDocument & Required<Pick<VolumeDocument, 'volume'>>,
  { id, kind, backup, isClean }: TakeInput,
  quiesce: QuiescePlan,
): SnapshotSpec {
  const content = quiesce.dump ? 'dump' : 'volume';
  const print = fingerprint({ id, volume: volume.id, content });
  const { engine } = volume.spec;
  const details = {
    ...lineage(volume.spec.tags),
    volume: volume.id,
    name: volume.name,
    place: volume.place ?? volume.id,
    kind,
    content,
    quiesce: quiesce.label,
    slotdata: String(volume.holdsSlotData && isClean !== true),
    // What a volume that is made of it is like, when the one that it is of is gone.
    volumekind: volume.spec.kind,
    size: String(volume.spec.sizeGiB),
    ...(engine && { engine: `${engine.name}:${engine.version}` }),
    ...(volume.slot !== undefined && { slot: volume.slot }),
    ...(quiesce.dump && { service: quiesce.dump.service }),
    ...(backup && {
      sequence: String(backup.sequence),
      elapsed: String(backup.elapsedSeconds),
      missed: String(backup.missed),
    }),
  };
  const tags = tagsFor(session, { type: 'snapshot', id, fingerprint: print, tags: details });
  return { id, fingerprint: print, tags, volume: volume.volume };
}

export function firstSnapshotDocument(
  session: Session,
  volume: VolumeDocument,
  { id, kind, backup, isClean }: TakeInput,
  spec: SnapshotSpec,
  quiesce: QuiescePlan,
): SnapshotDocument {
  return {
    schema: 1,
    id,
    volume: volume.id,
    place: volume.place ?? volume.id,
    name: volume.name,
    phase: 'creating',
    kind,
    content: quiesce.dump ? 'dump' : 'volume',
    quiesce: quiesce.label,
    holdsSlotData: volume.holdsSlotData && isClean !== true,
    provider: volume.provider,
    spec,
    createdAt: session.clock.now().toISOString(),
    ...(volume.slot !== undefined && { slot: volume.slot }),
    ...(volume.environment !== undefined && { environment: volume.environment }),
    ...(quiesce.dump?.restore && { restore: { run: [...quiesce.dump.restore], service: quiesce.dump.service } }),
    ...(backup && { backup }),
  };
}

function ofAnother({ id, volume }: SnapshotDocument, wanted: VolumeDocument): ProviderError {
  return new ProviderError('already-exists', `snapshot ${id} is there, of volume ${volume} and not of ${wanted.id}`, {
    effect: 'none',
    hint: 'give it another name',
  });
}
