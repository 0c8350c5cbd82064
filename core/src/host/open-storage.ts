import type { Session } from './session.ts';
import type { RestoreResult, Storages } from './storage.ts';

/** The volumes and snapshots of an opened project. What a verb needs is loaded when it is called. */
export function openStorage(session: Session): Storages {
  const view = () => import('../storage/view.ts');
  return {
    async volumes({ all = false } = {}) {
      const { listVolumes } = await view();
      return listVolumes(session, all);
    },
    async volume(id) {
      const { showVolume } = await import('../storage/show.ts');
      return showVolume(session, id);
    },
    async snapshots(volume) {
      const { findVolume, listSnapshots, snapshotView } = await view();
      const place = volume === undefined ? undefined : (await findVolume(session, volume)).id;
      return (await listSnapshots(session, place)).map(snapshotView);
    },
    async snapshot(request) {
      const { snapshotNow } = await import('../storage/services.ts');
      return snapshotNow(session, request);
    },
    async restore(request): Promise<RestoreResult> {
      const { restore } = await import('../storage/services.ts');
      return restore(session, request);
    },
    async planRestore(request) {
      const { planRestore } = await import('../storage/services.ts');
      return planRestore(session, request);
    },
    async clone(request) {
      const { clone } = await import('../storage/services.ts');
      return clone(session, request);
    },
    async swap(request) {
      const { swap } = await import('../storage/services.ts');
      return swap(session, request);
    },
    async retain(id, request) {
      const { retain } = await import('../storage/services.ts');
      return retain(session, id, request);
    },
    async destroy(id, options = {}) {
      const { destroy } = await import('../storage/services.ts');
      return destroy(session, id, options.force === true);
    },
    async find(id) {
      const { find } = await import('../storage/services.ts');
      return find(session, id);
    },
    async backups(volume) {
      const snapshots = await this.snapshots(volume);
      return snapshots.filter(({ kind }) => kind === 'backup');
    },
    async runBackups({ due, volumes, dryRun = false }) {
      const { runBackupsOf } = await import('../storage/services.ts');
      return runBackupsOf(session, { due, dryRun, ...(volumes && { volumes }) });
    },
    async verifyBackups(id) {
      const { verify } = await import('../storage/services.ts');
      return verify(session, id);
    },
    async reportBackups() {
      const { backupReport } = await view();
      return backupReport(session);
    },
  };
}
