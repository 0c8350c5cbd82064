import { z } from 'zod';
import type { OperationRun } from '../engine/operation.ts';
import type { Session } from '../host/session.ts';
import type { VolumeDocument } from './documents.ts';
import { removeSnapshot } from './destroy.ts';
import { Storage } from './provider.ts';
import { copyDetails, copyOf, makeNewVolume, wholeSnapshot } from './restore.ts';
import { volumeSpec } from './scratch-volume.ts';
import { readyVolume, takeSnapshot } from './take.ts';
import { fitting } from './volume-ids.ts';

export const cloneInputSchema = z.object({
  /** Of the new volume. */
  id: z.string(),
  volume: z.string(),
});

/** A new volume with the data that another one has now. Neither knows of the other afterwards. */
export async function cloneVolume(
  session: Session,
  run: OperationRun,
  { id, volume: source }: z.output<typeof cloneInputSchema>,
): Promise<VolumeDocument> {
  const original = await readyVolume(session, source);
  const storage = await Storage.toMake(session, original.provider);
  const isDirect = storage.can('storage.clone');
  const between = fitting(`clone-${run.id}`);
  const from = isDirect
    ? { volume: original.volume }
    : {
        snapshot: wholeSnapshot(
          await takeSnapshot(session, run, { id: between, volume: source, kind: 'clone', quiesce: 'none' }),
        ),
      };
  const { name, holdsSlotData, provider, slot, environment } = original;
  const owners = { ...(slot !== undefined && { slot }), ...(environment !== undefined && { environment }) };
  const copied = { name, holdsSlotData, provider, origin: source, original, ...owners };
  const spec = volumeSpec(session, id, original, from, copyDetails(copied));
  const made = await makeNewVolume(session, run, storage, {
    document: copyOf(session, id, spec, copied),
    title: `clone ${source} into ${id}`,
    make: (call) => storage.makeVolume(spec, call),
  });
  if (!isDirect) await removeSnapshot(session, between);
  return made;
}
