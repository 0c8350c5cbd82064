import type { PromotionResult, RollbackRequest } from '../host/slots.ts';
import type { Loss } from '../host/storage.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { SlotDocument } from '../slot/documents.ts';
import { isGood, type SnapshotDocument } from './documents.ts';
import { restore } from './services.ts';
import { lossOf } from './show.ts';
import { listSnapshots, listVolumes } from './view.ts';

/**
 * What a slot's data would lose if it went back to before its present release: for each volume, the newest good snapshot from before.
 * @throws ProviderError `not-found`; `refused`: there is none of a volume, or the slot has no data of its own.
 */
export async function dataLoss(session: Session, name: string): Promise<readonly Loss[]> {
  const { readSlot } = await import('../slot/read.ts');
  const { document: slot } = await readSlot(session, name);
  const volumes = (await listVolumes(session, false)).filter(
    (volume) => volume.scope === 'slot' && volume.slot === name && volume.isInUse,
  );
  if (volumes.length === 0) {
    throw new ProviderError('refused', `slot ${name} has no volume of its own, so there is no data to restore`, {
      effect: 'none',
      hint: `clusternator rollback ${name}`,
    });
  }
  const losses: Loss[] = [];
  for (const { id } of volumes) losses.push(await lossOf(session, id, await before(session, slot, id)));
  return losses;
}

/**
 * Rolls back, and then puts the slot's data back to before the release that was left. Code goes first, since that is one flip. The data in use is
 * kept, as a volume and as a snapshot; the slot moves to an environment of the standby's artefacts on what was restored.
 * @throws ProviderError as `rollback` and `Storages.restore`. What was rolled back stays so.
 */
export async function rollbackWithData(session: Session, request: RollbackRequest): Promise<PromotionResult> {
  const losses = await dataLoss(session, request.slot);
  const { rollback } = await import('../slot/rollback.ts');
  const result = await rollback(session, request);
  const { by, reason } = request;
  const restored: Loss[] = [];
  const kept: string[] = [];
  for (const loss of losses) {
    const { environment } = result.to;
    const why = { ...(by !== undefined && { by }), reason: reason ?? 'rolled back with its data' };
    try {
      const done = await restore(session, { snapshot: loss.snapshot, swap: true, environment, ...why });
      restored.push(loss);
      kept.push(...(done.kept ? [done.kept.id] : []));
    } catch (error) {
      throw halfway(result, loss, error);
    }
  }
  await holdAutomatic(session, request.slot, by ?? session.operations.identity.user);
  const { showSlot } = await import('../slot/show.ts');
  return { ...result, slot: await showSlot(session, request.slot, []), restored, kept };
}

/** Of the volume in use, or of those that it took the place of. */
async function before(session: Session, slot: SlotDocument, volume: string): Promise<SnapshotDocument> {
  const since = slot.release?.at ?? '';
  const place = (await session.briefly(`read volume ${volume}`, (call) => session.documents.volumes.get(volume, call)))
    ?.document.place;
  const found = (await listSnapshots(session, place ?? volume)).find(
    (one) => isGood(one) && one.takenAt !== undefined && one.takenAt <= since,
  );
  if (found) return found;
  throw new ProviderError(
    'refused',
    `there is no good snapshot of ${volume} from before ${slot.name} moved (${since})`,
    {
      effect: 'none',
      hint: `clusternator rollback ${slot.name} leaves the data as it is; clusternator storage snapshots shows what there is`,
    },
  );
}

/** The restore moved the slot on purpose; what was rolled back from is still not to come again by itself. */
async function holdAutomatic(session: Session, name: string, by: string): Promise<void> {
  const pinned = { by, at: session.clock.now().toISOString(), why: 'rolled back, with its data' };
  await session.briefly(`hold automatic promotions of ${name}`, (call) =>
    session.documents.slots.update(name, (slot) => ({ ...slot, pinned }), call),
  );
}

function halfway({ slot, operation }: PromotionResult, { volume, snapshot }: Loss, cause: unknown): ProviderError {
  const code = ProviderError.is(cause) ? cause.code : 'internal';
  const message = cause instanceof Error ? cause.message : String(cause);
  return new ProviderError(
    code,
    `${slot.name} is rolled back (${operation}), and ${volume} has its data as it was: ${message}`,
    {
      cause,
      hint: `clusternator storage restore ${snapshot} --swap tries again`,
    },
  );
}
