import {
  CreateDBSnapshotCommand,
  DeleteDBSnapshotCommand,
  DescribeDBSnapshotsCommand,
  type DBSnapshot,
  type RDSClient,
} from '@aws-sdk/client-rds';
import {
  ProviderError,
  type Call,
  type Host,
  type Identity,
  type Phase,
  type ResourceRef,
  type Snapshot,
  type SnapshotDriver,
  type SnapshotSpec,
} from '@clusternator/core/provider';
import { isNamed, unlessAbsent } from './aws-error.ts';
import { fromAwsTags, toAwsTags, VOLUME_TAG } from './aws-tags.ts';
import { nameOf, ours, withNative } from './ownership.ts';
import { paced } from '../paced.ts';

const PHASES: Readonly<Record<string, Phase>> = { available: 'active', failed: 'failed', deleting: 'destroying' };

/** Snapshots of databases on RDS. They outlive their database. */
export class DatabaseSnapshots implements SnapshotDriver {
  constructor(
    private readonly client: RDSClient,
    private readonly host: Host,
  ) {}

  async ensure(spec: SnapshotSpec, call: Call): Promise<Snapshot> {
    const name = nameOf(this.host, 'snapshot', spec.id);
    const found = await this.find(name, call);
    if (found) return this.show(found, spec.id);
    try {
      const made = await this.create(name, spec, call);
      return this.show(made, spec.id);
    } catch (error) {
      // Not while the database is being changed or backed up: core asks again.
      if (isNamed(error, ['InvalidDBInstanceState'])) return this.waiting(name, spec, error);
      if (!isNamed(error, ['DBSnapshotAlreadyExists'])) throw error;
      const meanwhile = await this.find(name, call);
      if (!meanwhile) throw error;
      return this.show(meanwhile, spec.id);
    }
  }

  async read({ id }: ResourceRef, call: Call): Promise<Snapshot | undefined> {
    const found = await this.find(nameOf(this.host, 'snapshot', id), call);
    return found && this.show(found, id);
  }

  async *list(call: Call): AsyncGenerator<Snapshot> {
    for (let Marker: string | undefined; ;) {
      // Automated ones go with their database, and are nobody's snapshots.
      const input = { SnapshotType: 'manual', ...(Marker !== undefined && { Marker }) };
      const page = await paced(this.host, 'rds', call, (options) =>
        this.client.send(new DescribeDBSnapshotsCommand(input), options),
      );
      for (const snapshot of page.DBSnapshots ?? []) {
        const identity = this.host.identify(fromAwsTags(snapshot.TagList));
        if (identity?.type === 'snapshot') yield this.snapshot(snapshot, identity);
      }
      if (page.Marker === undefined || page.Marker === '') return;
      ({ Marker } = page);
    }
  }

  async destroy({ id }: ResourceRef, call: Call): Promise<void> {
    const name = nameOf(this.host, 'snapshot', id);
    const found = await this.find(name, call);
    if (!found || this.show(found, id).phase === 'destroying') return;
    const command = new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: name });
    // Not while it is being taken: core asks again.
    const now = ['DBSnapshotNotFound', 'InvalidDBSnapshotState'];
    await unlessAbsent(
      paced(this.host, 'rds', call, (options) => this.client.send(command, options)),
      now,
    );
  }

  private async create(name: string, { volume, tags, native }: SnapshotSpec, call: Call): Promise<DBSnapshot> {
    const request = {
      DBSnapshotIdentifier: name,
      DBInstanceIdentifier: volume.handle.instance ?? nameOf(this.host, 'volume', volume.id),
      Tags: toAwsTags({ ...tags, [VOLUME_TAG]: volume.id }),
    };
    const command = new CreateDBSnapshotCommand(withNative(this.host, request, native));
    const { DBSnapshot: made } = await paced(this.host, 'rds', call, (options) => this.client.send(command, options));
    if (made) return made;
    throw new ProviderError('unavailable', `RDS does not tell of the snapshot ${name}`);
  }

  private async find(name: string, call: Call): Promise<DBSnapshot | undefined> {
    const command = new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: name });
    const asked = paced(this.host, 'rds', call, (options) => this.client.send(command, options));
    return (await unlessAbsent(asked, ['DBSnapshotNotFound']))?.DBSnapshots?.[0];
  }

  private show(snapshot: DBSnapshot, id: string): Snapshot {
    const what = `the DB snapshot ${snapshot.DBSnapshotIdentifier ?? ''}`;
    return this.snapshot(snapshot, ours(this.host, { type: 'snapshot', id, what, tags: snapshot.TagList }));
  }

  private snapshot(snapshot: DBSnapshot, { id, fingerprint, tags }: Identity): Snapshot {
    const { DBSnapshotIdentifier = '', Status = '', PercentProgress, FullSnapshotSizeInBytes: bytes } = snapshot;
    const phase = PHASES[Status] ?? 'creating';
    return {
      id,
      fingerprint,
      tags,
      phase,
      handle: { snapshot: DBSnapshotIdentifier },
      volume: fromAwsTags(snapshot.TagList)[VOLUME_TAG] ?? snapshot.DBInstanceIdentifier ?? '',
      takenAt: this.timeOf(snapshot),
      ...(bytes !== undefined && { bytes }),
      ...(phase !== 'active' && { message: `the snapshot is ${Status}, ${String(PercentProgress ?? 0)} percent` }),
    };
  }

  /** Of the last transaction that is in it, where it is told: the snapshot itself is done later. While it is being taken, now is not too early. */
  private timeOf({ SnapshotDatabaseTime, SnapshotCreateTime }: DBSnapshot): Date {
    return SnapshotDatabaseTime ?? SnapshotCreateTime ?? this.host.now();
  }

  private waiting(name: string, { id, fingerprint, tags, volume }: SnapshotSpec, why: unknown): Snapshot {
    const message = why instanceof Error ? why.message : 'the database is not available';
    const base = { id, fingerprint, tags, phase: 'creating', handle: { snapshot: name } } as const;
    return { ...base, volume: volume.id, takenAt: this.host.now(), message };
  }
}
