import type { SeedConfig } from '../config/volume.ts';
import type { NamedVolume } from '../environment/volumes.ts';
import type { Session } from '../host/session.ts';
import { fingerprint } from '../names/fingerprint.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import { isGood, reviveSnapshot, type SnapshotDocument, type VolumeDocument } from './documents.ts';
import { DocumentHold } from './hold-document.ts';
import type { Storage } from './provider.ts';
import { mountingService, removeScratch, runInScratch, scratchId } from './scratch.ts';
import { makeScratchVolume, removeScratchVolume, type ScratchVolume } from './scratch-volume.ts';
import type { Snapshot } from './storage.ts';
import { firstSnapshotDocument, snapshotSpec, takeSnapshot } from './take.ts';
import { fitting } from './volume-ids.ts';
import type { VolumeWork } from './volumes.ts';

/** What a volume begins with. */
export interface Seed {
  readonly document: SnapshotDocument;
  readonly snapshot: Snapshot;
}

/**
 * The snapshot that a new volume is made from. Undefined: it begins empty. What a seed's command leaves is kept under a name of its source and
 * script, so that the command runs once and the next volume is made from there.
 * @param chosen - The one that was chosen before an interruption.
 * @throws ProviderError `not-found`; `refused`: it is a slot's data, and the config does not say that it may be used as it is.
 */
export async function seedOf(
  work: VolumeWork,
  storage: Storage,
  wanted: NamedVolume,
  chosen: string | undefined,
  call: Call,
): Promise<Seed | undefined> {
  const { session } = work;
  const { seed } = wanted.config;
  if (chosen !== undefined) return wholeSeed(await namedSnapshot(session, chosen));
  if (!seed || (seed.snapshot === undefined && !seed.run)) return undefined;
  const source = seed.snapshot === undefined ? undefined : await sourceOf(session, seed.snapshot, wanted.name);
  if (seed.snapshot !== undefined && !source) {
    const message = `volume ${wanted.name} begins empty: there is nothing yet that ${seed.snapshot} could be taken of`;
    session.emit({ type: 'warning', message });
    return undefined;
  }
  // The slot's own data, which its volume was lost with: cleaned, it would be lost for good.
  if (source && isItsOwn(work, wanted, source)) return wholeSeed(source);
  if (seed.run) return wholeSeed(await cleaned(work, storage, wanted, { ...seed, run: seed.run }, source, call));
  if (source) checkData(wanted, seed, source);
  return source && wholeSeed(source);
}

/**
 * @returns Undefined: the slot has no such volume, as when a project begins.
 * @throws ProviderError `not-found`: it has one, and no snapshot of it.
 */
async function sourceOf(session: Session, name: string, volume: string): Promise<SnapshotDocument | undefined> {
  const slot = /^(.+)\/latest$/.exec(name)?.[1];
  if (slot === undefined) return namedSnapshot(session, name);
  const newest = await latestOf(session, slot, volume);
  if (newest || !(await hasVolume(session, slot, volume))) return newest;
  throw new ProviderError('not-found', `slot ${slot} has no snapshot of the volume ${volume} yet`, {
    path: `volumes.${volume}.seed`,
    hint: `clusternator storage snapshot slot-${slot}-${volume}`,
  });
}

async function hasVolume(session: Session, slot: string, name: string): Promise<boolean> {
  return session.briefly(`look for volumes of ${slot}`, async (call) => {
    for await (const { document } of session.documents.volumes.list(call))
      if (document.slot === slot && document.name === name && document.phase === 'ready') return true;
    return false;
  });
}

/** The newest of a slot's volume that can be used. */
export async function latestOf(session: Session, slot: string, volume: string): Promise<SnapshotDocument | undefined> {
  const found = await session.briefly(`look for snapshots of ${slot}`, async (call) => {
    const all: SnapshotDocument[] = [];
    for await (const { document } of session.documents.snapshots.list(call))
      if (document.slot === slot && document.name === volume && document.content === 'volume' && isGood(document))
        all.push(document);
    return all;
  });
  return found.sort((a, b) => (b.takenAt ?? '').localeCompare(a.takenAt ?? ''))[0];
}

async function namedSnapshot(session: Session, id: string): Promise<SnapshotDocument> {
  const found = await session.briefly(`read snapshot ${id}`, (call) => session.documents.snapshots.get(id, call));
  if (found && found.document.phase !== 'destroying') return found.document;
  throw new ProviderError('not-found', `there is no snapshot ${id}`, { hint: 'clusternator storage snapshots' });
}

function wholeSeed(document: SnapshotDocument): Seed {
  const { snapshot, id, phase, verified, content } = document;
  if (verified?.isGood === false)
    throw new ProviderError('damaged', `snapshot ${id} is not good: ${verified.message ?? ''}`, { effect: 'none' });
  if (content === 'dump')
    throw new ProviderError('refused', `snapshot ${id} is a dump: restore it, and take a snapshot of that`, {
      hint: `clusternator storage restore ${id}`,
    });
  if (snapshot && phase === 'ready') return { document, snapshot: reviveSnapshot(snapshot) };
  throw new ProviderError('conflict', `snapshot ${id} is not whole: it is ${phase}`);
}

function isItsOwn({ slot }: VolumeWork, { config }: NamedVolume, source: SnapshotDocument): boolean {
  return config.scope === 'slot' && slot !== undefined && source.slot === slot;
}

/** The data of a slot goes back to that slot alone, or where the config says so in words. */
function checkData({ name }: NamedVolume, seed: SeedConfig, source: SnapshotDocument): void {
  if (!source.holdsSlotData || seed.data === 'unsanitized') return;
  throw new ProviderError('refused', `snapshot ${source.id} is the data of the slot ${source.slot ?? ''}, as it is`, {
    path: `volumes.${name}.seed`,
    hint: 'clean it with run: ./sanitize.sh, or say data: unsanitized',
  });
}

async function cleaned(
  work: VolumeWork,
  storage: Storage,
  wanted: NamedVolume,
  seed: SeedConfig & { readonly run: readonly string[] },
  source: SnapshotDocument | undefined,
  call: Call,
): Promise<SnapshotDocument> {
  const { session, run } = work;
  const print = fingerprint({ source: source?.id ?? null, run: seed.run, script: await work.scriptPrint(seed.run) });
  const id = fitting(`seed-${wanted.name}-${print.slice(0, 12)}`);
  const from = source && { snapshot: wholeSeed(source).snapshot };
  const scratch: ScratchVolume = {
    id: fitting(`scratch-${id}`),
    like: {
      name: wanted.name,
      provider: work.provider,
      spec: wanted.spec,
      holdsSlotData: source?.holdsSlotData ?? false,
    },
    ...(from && { from }),
  };
  const hold = new DocumentHold(session, session.documents.snapshots, run, id);
  const taken = await hold.take(
    (found) => (found?.phase === 'ready' ? undefined : promise(session, id, scratch)),
    'wait',
  );
  if (!taken) return namedSnapshot(session, id);
  const scratchEnvironment = scratchId(id).slice(0, 63);
  try {
    await removeScratch(session, storage.bound, scratchEnvironment); // of a process that was killed in the middle
    await removeScratchVolume(session, storage, scratch.id);
    const made = await makeScratchVolume(session, run, storage, scratch, call);
    const service = mountingService(work.services, wanted.spec.id, seed.in);
    const { code, said } = await runInScratch(
      session,
      storage.bound,
      {
        id: scratchEnvironment,
        services: work.services,
        replaces: wanted.spec.id,
        volume: made.volume,
        service,
        command: seed.run,
        onOutput: (text) => session.emit({ type: 'output', operation: run.id, source: `seed/${wanted.name}`, text }),
      },
      call,
    );
    if (code !== 0) {
      throw new ProviderError('unhealthy', `the seed of volume ${wanted.name} ended with ${String(code)}: ${said}`, {
        path: `volumes.${wanted.name}.seed.run`,
      });
    }
    return await takeSnapshot(session, run, { id, volume: made.id, kind: 'seed', quiesce: 'none', isClean: true });
  } catch (error) {
    if (!run.signal.aborted) await hold.remove();
    throw error;
  } finally {
    if (!run.signal.aborted) await removeScratchVolume(session, storage, scratch.id);
  }
}

/** Written down first: whoever wants the same one waits for it. */
function promise(session: Session, id: string, { id: volumeId, like }: ScratchVolume): SnapshotDocument {
  const placeholder: VolumeDocument & Required<Pick<VolumeDocument, 'volume'>> = {
    schema: 1,
    id: volumeId,
    name: like.name,
    scope: 'env',
    phase: 'ready',
    generation: 0,
    holdsSlotData: like.holdsSlotData,
    provider: like.provider,
    spec: like.spec,
    volume: { id: volumeId, phase: 'active', handle: {}, kind: like.spec.kind, sizeGiB: like.spec.sizeGiB },
    onDestroy: 'delete',
    createdAt: session.clock.now().toISOString(),
  };
  const input = { id, volume: volumeId, kind: 'seed' as const, isClean: true };
  const quiesce = { label: 'none' };
  const spec = snapshotSpec(session, placeholder, input, quiesce);
  return firstSnapshotDocument(session, placeholder, input, spec, quiesce);
}
