import type { Loss, SnapshotView, VolumeView } from '../host/storage.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { SnapshotDocument } from './documents.ts';
import { Storage } from './provider.ts';
import { wholeSnapshot } from './restore.ts';
import type { Volume } from './storage.ts';
import { findVolume, listSnapshots, listVolumes, snapshotView } from './view.ts';

const LOOK_SECONDS = 120;

/** One volume, as its provider sees it now. @throws ProviderError `not-found`. */
export async function showVolume(
  session: Session,
  text: string,
): Promise<VolumeView & { readonly snapshots: readonly SnapshotView[] }> {
  const document = await findVolume(session, text);
  const [views, snapshots, live] = await Promise.all([
    listVolumes(session, true),
    listSnapshots(session, document.id),
    readLive(session, document),
  ]);
  const view = views.find(({ id }) => id === document.id);
  if (!view) throw new ProviderError('not-found', `volume ${document.id} was destroyed just now`);
  return {
    ...view,
    ...(live?.usedBytes !== undefined && { usedBytes: live.usedBytes }),
    snapshots: snapshots.map(snapshotView),
  };
}

function readLive(
  session: Session,
  { id, provider }: { readonly id: string; readonly provider: { readonly name: string; readonly config: unknown } },
): Promise<Volume | undefined> {
  return session.briefly(
    `look at volume ${id}`,
    async (call) => (await Storage.of(session, provider)).driver.volumes.read({ id }, call),
    LOOK_SECONDS,
  );
}

/** What would be lost if a volume went back to a snapshot: the time since, and how much differs. */
export async function lossOf(session: Session, volume: string, snapshot: SnapshotDocument): Promise<Loss> {
  const whole = wholeSnapshot(snapshot);
  const storage = await Storage.of(session, snapshot.provider);
  const bytes = await session.briefly(
    `compare ${volume} with ${snapshot.id}`,
    async (call) => {
      const live = await storage.driver.volumes.read({ id: volume }, call);
      if (!live || snapshot.content === 'dump') return undefined;
      if (storage.snapshots.changes) return (await storage.snapshots.changes(whole, live, call)).bytes;
      if (live.usedBytes === undefined || whole.bytes === undefined) return undefined;
      return Math.abs(live.usedBytes - whole.bytes);
    },
    LOOK_SECONDS,
  );
  const seconds = Math.max(0, (session.clock.now().getTime() - whole.takenAt.getTime()) / 1000);
  return {
    volume,
    snapshot: snapshot.id,
    takenAt: whole.takenAt.toISOString(),
    seconds,
    ...(bytes !== undefined && { bytes }),
  };
}
