import { pollUntilSettled } from '../engine/poll.ts';
import { retrying } from '../engine/retry.ts';
import { standOnFoundation } from '../foundation/stand-on.ts';
import { driverOf, type BoundProvider } from '../host/drivers.ts';
import type { Session } from '../host/session.ts';
import type { CapabilityName } from '../provider/capabilities.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import { STORAGE } from '../provider/tokens.ts';
import { destroyUntilGone } from '../environment/settle.ts';
import type { Snapshot, SnapshotDriver, SnapshotSpec, StorageDriver, Volume, VolumeSpec } from './storage.ts';

/** The storage of one provider, asked until it has done what it was asked for. */
export class Storage {
  private constructor(
    private readonly session: Session,
    readonly bound: BoundProvider,
    readonly driver: StorageDriver,
  ) {}

  static async of(session: Session, provider: { readonly name: string; readonly config: unknown }): Promise<Storage> {
    const bound = await session.bind(provider);
    return new Storage(session, bound, await driverOf(bound, STORAGE, 'storage'));
  }

  /** As `of`, for what is about to make something: the first that does makes what it stands on. */
  static async toMake(
    session: Session,
    provider: { readonly name: string; readonly config: unknown },
  ): Promise<Storage> {
    await standOnFoundation(session, provider);
    return Storage.of(session, provider);
  }

  can(capability: CapabilityName): boolean {
    return this.bound.capabilities[capability]?.can === 'yes';
  }

  /** @throws ProviderError `unsupported`. */
  get snapshots(): SnapshotDriver {
    const { snapshots } = this.driver;
    if (snapshots && this.can('storage.snapshots')) return snapshots;
    throw new ProviderError('unsupported', `provider "${this.bound.provider.id}" takes no snapshots`, {
      path: 'provider',
    });
  }

  /** @throws ProviderError what the provider says; `unavailable` when it failed; `already-exists`: of another origin. */
  async makeVolume(spec: VolumeSpec, call: Call): Promise<Volume> {
    const doing = `make volume ${spec.id}`;
    return this.settled(doing, call, () => this.driver.volumes.ensure(spec, call));
  }

  async takeSnapshot(spec: SnapshotSpec, call: Call): Promise<Snapshot> {
    const doing = `take snapshot ${spec.id}`;
    const { snapshots } = this;
    const taken = await this.settled(
      doing,
      call,
      () => snapshots.ensure(spec, call),
      (now) => now.isCopied === true || (now.phase !== 'creating' && now.phase !== 'destroying'),
    );
    if (taken.volume !== spec.volume.id) {
      throw new ProviderError('already-exists', `snapshot ${spec.id} is there, of the volume ${taken.volume}`, {
        hint: 'give it another name',
      });
    }
    return taken;
  }

  async destroyVolume(id: string, call: Call): Promise<void> {
    await destroyUntilGone(this.session, 'volume', this.driver.volumes, { id }, call);
  }

  async destroySnapshot(id: string, call: Call): Promise<void> {
    await destroyUntilGone(this.session, 'snapshot', this.snapshots, { id }, call);
  }

  private async settled<R extends Volume | Snapshot>(
    doing: string,
    call: Call,
    ensure: () => Promise<R>,
    isSettled?: (resource: R) => boolean,
  ): Promise<R> {
    const { clock } = this.session;
    // The same call again is safe under the same token, so what a lost answer did is found by asking again.
    const ask = (): Promise<R> =>
      retrying(ensure, { clock, call, doing, observe: () => Promise.resolve({ state: 'again' }) });
    const made = await pollUntilSettled(ask, { clock, call, doing, ...(isSettled && { isSettled }) });
    const isWhole = made.phase === 'active' || 'isCopied' in made;
    if (isWhole) return made;
    throw new ProviderError('unavailable', `${doing}: ${made.message ?? `it is ${made.phase}`}`);
  }
}

export function errorsOf(storage: Storage): { readonly errorOf: BoundProvider['provider']['errorOf'] } {
  return { errorOf: (cause) => storage.bound.provider.errorOf(cause) };
}
