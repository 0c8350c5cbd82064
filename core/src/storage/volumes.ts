import { z } from 'zod';
import type { OperationRun } from '../engine/operation.ts';
import type { ServiceSpec } from '../environment/environment.ts';
import type { Session } from '../host/session.ts';
import { secondsText } from '../environment/life.ts';
import { withDetails } from '../names/tags.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import type { NamedVolume } from '../environment/volumes.ts';
import { backupRuleOf } from './backup-rule.ts';
import type { VolumeDocument } from './documents.ts';
import { checkHolder } from './holder.ts';
import { DocumentHold } from './hold-document.ts';
import { errorsOf, Storage } from './provider.ts';
import { seedOf } from './seed.ts';
import type { Volume } from './storage.ts';

const MAKE_SECONDS = 24 * 3600;
export const volumeSchema = z.custom<Volume>((value) => typeof value === 'object' && value !== null);

/** For whom volumes are made, under which operation. */
export interface VolumeWork {
  readonly session: Session;
  readonly run: OperationRun;
  readonly provider: { readonly name: string; readonly config: unknown };
  /** Document id of the environment that is to mount them. */
  readonly environment: string;
  /** Of that environment. */
  readonly commit: string;
  readonly slot?: string;
  /** The services as they would run on these specs: what seeds run in. */
  readonly services: Readonly<Record<string, ServiceSpec>>;
  /** Fingerprints a command with the files of the commit that it names. */
  readonly scriptPrint: (command: readonly string[]) => Promise<string>;
}

/**
 * Makes the volumes that an environment mounts, or finds those that are there, side by side. Of one that is shared, another operation may be
 * making it just now: that is waited for.
 * @throws ProviderError `conflict`: a disk is held by another environment, which the message names.
 */
export async function makeVolumes(work: VolumeWork, wanted: readonly NamedVolume[]): Promise<readonly Volume[]> {
  const storage = wanted.length > 0 ? await Storage.of(work.session, work.provider) : undefined;
  if (!storage) return [];
  return work.run.stepsInParallel(
    wanted.map((one) => ({
      id: `volume/${one.name}`,
      title: `make volume ${one.name}`,
      result: volumeSchema,
      deadlineSeconds: MAKE_SECONDS,
      ...errorsOf(storage),
      run: (call) => makeVolume(work, storage, one, call),
    })),
  );
}

async function makeVolume(work: VolumeWork, storage: Storage, wanted: NamedVolume, call: Call): Promise<Volume> {
  const { session, run } = work;
  const id = await currentId(session, wanted.spec.id);
  const former = await goneHolder(session, id);
  const hold = new DocumentHold(session, session.documents.volumes, run, id);
  const taken = await hold.take((found) => {
    if (found && found.phase !== 'gone') return promised(checkHolder(found, work.environment, former), wanted);
    return firstDocument(work, wanted, found);
  }, 'wait');
  if (!taken) throw new ProviderError('internal', `volume ${id} can't be taken`);
  try {
    const volume =
      taken.phase === 'creating'
        ? await fill(work, storage, hold, taken, wanted, call)
        : await grow(storage, taken, call);
    const readyAt = session.clock.now().toISOString();
    await hold.release((now) => ({
      ...checkHolder(now, work.environment, former),
      phase: 'ready',
      volume,
      readyAt: now.readyAt ?? readyAt,
      ...(wanted.config.kind === 'disk' && { holder: work.environment }),
    }));
    return volume;
  } catch (error) {
    if (!run.signal.aborted) await giveUp(session, storage, hold, taken);
    throw error;
  }
}

/** What half exists holds no data that anybody wrote. */
async function giveUp(
  session: Session,
  storage: Storage,
  hold: DocumentHold<VolumeDocument>,
  taken: VolumeDocument,
): Promise<void> {
  if (taken.phase !== 'creating') {
    await hold.release((now) => now);
    return;
  }
  await session.briefly(`remove volume ${taken.id}`, (call) => storage.destroyVolume(taken.id, call), 600);
  await hold.release((now) => ({ ...now, phase: 'gone' }));
}

async function fill(
  work: VolumeWork,
  storage: Storage,
  hold: DocumentHold<VolumeDocument>,
  taken: VolumeDocument,
  wanted: NamedVolume,
  call: Call,
): Promise<Volume> {
  const seed = await seedOf(work, storage, wanted, taken.origin, call);
  if (!seed) return storage.makeVolume({ ...wanted.spec, tags: taken.spec.tags }, call);
  // Whatever a slot's volume begins with: what is written to it from then on is the slot's.
  const { spec } = await hold.write((now) => {
    const holdsSlotData = now.holdsSlotData || seed.document.holdsSlotData;
    const tags = withDetails(now.spec.tags, { origin: seed.document.id, slotdata: String(holdsSlotData) });
    return { ...now, origin: seed.document.id, holdsSlotData, spec: { ...now.spec, tags } };
  });
  return storage.makeVolume({ ...wanted.spec, tags: spec.tags, from: { snapshot: seed.snapshot } }, call);
}

/** It grows when its config does, and changes in nothing else. */
async function grow(storage: Storage, { spec, volume }: VolumeDocument, call: Call): Promise<Volume> {
  if (volume && volume.sizeGiB >= spec.sizeGiB) return volume;
  return storage.makeVolume(spec, call);
}

/** The volume in use at a place: the first one, or the one that was swapped in for it. */
export async function currentId(session: Session, place: string): Promise<string> {
  const found = await session.briefly(`read volume ${place}`, (call) => session.documents.volumes.get(place, call));
  return found?.document.current ?? place;
}

function firstDocument(
  work: VolumeWork,
  { name, spec, config }: NamedVolume,
  before: VolumeDocument | undefined,
): VolumeDocument {
  const { slot, environment, provider, session, commit } = work;
  const isOfSlot = config.scope === 'slot' && slot !== undefined;
  const scope = config.scope === 'project' ? 'project' : isOfSlot ? 'slot' : 'env';
  const createdAt = session.clock.now().toISOString();
  const details = { created: secondsText(createdAt), ...(scope === 'env' && { commit }) };
  return promisedFirst(
    {
      schema: 1,
      id: spec.id,
      name,
      scope,
      phase: 'creating',
      generation: before?.generation ?? 0,
      holdsSlotData: isOfSlot,
      provider,
      spec: { ...spec, tags: withDetails(spec.tags, details) },
      onDestroy: config.onDestroy,
      createdAt,
      ...(before?.holderEpoch !== undefined && { holderEpoch: before.holderEpoch }),
      ...(isOfSlot && { slot }),
      ...(scope === 'env' && { environment }),
    },
    config,
  );
}

function promised(found: VolumeDocument, { config, spec }: NamedVolume): VolumeDocument {
  const sizeGiB = Math.max(found.spec.sizeGiB, spec.sizeGiB);
  return promisedFirst({ ...found, spec: { ...found.spec, sizeGiB } }, config);
}

/** What the config promises of it, as it was last deployed. A copy beside the slot is nobody's promise. */
function promisedFirst(
  { backup: _, ...document }: VolumeDocument,
  { scope, onDestroy, backup }: NamedVolume['config'],
): VolumeDocument {
  if (document.scope !== scope) return { ...document, onDestroy: 'delete' };
  return { ...document, onDestroy, ...(backup && { backup: backupRuleOf(backup) }) };
}

/** The holder of a disk, where it is gone. */
async function goneHolder(session: Session, id: string): Promise<string | undefined> {
  return session.briefly(`read volume ${id}`, async (call) => {
    const holder = (await session.documents.volumes.get(id, call))?.document.holder;
    if (holder === undefined) return undefined;
    const found = await session.documents.environments.get(holder, call);
    return found && found.document.phase !== 'gone' ? undefined : holder;
  });
}
