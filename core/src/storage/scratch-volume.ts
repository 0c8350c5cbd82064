import type { OperationRun } from '../engine/operation.ts';
import type { Session } from '../host/session.ts';
import { fingerprint } from '../names/fingerprint.ts';
import { tagsFor } from '../names/tags.ts';
import type { Call } from '../provider/host.ts';
import type { VolumeDocument } from './documents.ts';
import { DocumentHold } from './hold-document.ts';
import type { Storage } from './provider.ts';
import type { Volume, VolumeSpec } from './storage.ts';

/** A volume for one operation alone: what it is like, and what it begins with. */
export interface ScratchVolume {
  readonly id: string;
  readonly like: Pick<VolumeDocument, 'name' | 'provider' | 'holdsSlotData'> & { readonly spec: VolumeSpec };
  readonly from?: VolumeSpec['from'];
}

/** Written down before it is made, so that gc finds it. */
export async function makeScratchVolume(
  session: Session,
  run: OperationRun,
  storage: Storage,
  { id, like, from }: ScratchVolume,
  call: Call,
): Promise<VolumeDocument & { readonly volume: Volume }> {
  const hold = new DocumentHold(session, session.documents.volumes, run, id);
  const spec = volumeSpec(session, id, like, from, { scratch: 'true' });
  await hold.take(
    () => ({
      schema: 1,
      id,
      name: like.name,
      scope: 'env',
      phase: 'creating',
      isScratch: true,
      generation: 0,
      holdsSlotData: like.holdsSlotData,
      provider: like.provider,
      spec,
      onDestroy: 'delete',
      createdAt: session.clock.now().toISOString(),
    }),
    'wait',
  );
  const volume = await storage.makeVolume(spec, call);
  const document = await hold.write((now) => ({ ...now, phase: 'ready', volume }));
  return { ...document, volume };
}

/** Removes it, whoever made it. */
export async function removeScratchVolume(session: Session, storage: Storage, id: string): Promise<void> {
  await session.briefly(`remove volume ${id}`, (call) => storage.destroyVolume(id, call), REMOVE_SECONDS);
  await session.briefly(`forget volume ${id}`, async (call) => {
    const found = await session.documents.volumes.get(id, call);
    if (found?.document.isScratch) await session.documents.volumes.delete(found, call);
  });
}
const REMOVE_SECONDS = 600;

/** A volume like another one. @param details - What its tags tell beside its name and its origin. */
export function volumeSpec(
  session: Pick<Session, 'project' | 'stage'>,
  id: string,
  { name, spec: like }: { readonly name: string; readonly spec: VolumeSpec },
  from: VolumeSpec['from'],
  details: Readonly<Record<string, string>>,
): VolumeSpec {
  const { kind, sizeGiB, engine, native } = like;
  const content = { id, kind, sizeGiB, ...(engine && { engine }), ...(native && { native }) };
  const origin = from === undefined ? null : 'snapshot' in from ? from.snapshot.id : from.volume.id;
  const print = fingerprint({ ...content, origin });
  const more = {
    volume: name,
    ...(origin !== null && { origin }),
    ...(engine && { engine: `${engine.name}:${engine.version}` }),
    ...details,
  };
  const tags = tagsFor(session, { type: 'volume', id, fingerprint: print, tags: more });
  return { ...content, fingerprint: print, tags, ...(from && { from }) };
}
