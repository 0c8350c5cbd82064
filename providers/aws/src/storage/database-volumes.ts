import {
  CreateDBInstanceCommand,
  DeleteDBInstanceCommand,
  DescribeDBInstancesCommand,
  ModifyDBInstanceCommand,
  RestoreDBInstanceFromDBSnapshotCommand,
  RestoreDBInstanceToPointInTimeCommand,
  type DBInstance,
  type ModifyDBInstanceMessage,
  type RDSClient,
} from '@aws-sdk/client-rds';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import {
  ProviderError,
  type Call,
  type Host,
  type ResourceDriver,
  type ResourceRef,
  type Volume,
  type VolumeSpec,
} from '@clusternator/core/provider';
import type { StorageConfig } from './config.ts';
import type { AwsFoundation } from '../foundation/outputs.ts';
import { isNamed, unlessAbsent } from './aws-error.ts';
import { fromAwsTags } from './aws-tags.ts';
import { databaseRequest, type DatabaseRequest } from './database-requests.ts';
import { databaseVolume } from './database-state.ts';
import { adoptSecret } from './master-password.ts';
import { nameOf, ours } from './ownership.ts';
import { paced } from '../paced.ts';
import { SubnetGroups, type OwnedGroup } from './subnet-groups.ts';

interface Parts {
  readonly rds: RDSClient;
  readonly secrets: SecretsManagerClient;
  readonly host: Host;
  readonly config: StorageConfig;
  readonly foundation: AwsFoundation;
}
/** In these a change of the size is taken in. */
const CAN_GROW = new Set(['available', 'storage-full', 'storage-optimization']);

/**
 * Databases on RDS: a subnet group, then an instance in it, whose password RDS makes and keeps. An instance that is on its way is
 * `creating` until it and its password are there.
 */
export class DatabaseVolumes implements ResourceDriver<VolumeSpec, Volume> {
  private readonly groups: SubnetGroups;

  constructor(private readonly parts: Parts) {
    this.groups = new SubnetGroups(parts.rds, parts.host, parts.foundation);
  }

  async ensure(spec: VolumeSpec, call: Call): Promise<Volume> {
    const name = nameOf(this.parts.host, 'volume', spec.id);
    const found = (await this.find(name, call)) ?? (await this.create(name, spec, call));
    const volume = this.show(found, spec.id);
    if (found.DBInstanceStatus === 'available' && found.MasterUserSecret === undefined) {
      await this.modify(name, { ManageMasterUserPassword: true }, call);
      return { ...volume, phase: 'creating' };
    }
    const canGrow = volume.phase === 'active' || found.DBInstanceStatus === 'storage-full';
    if (volume.sizeGiB < spec.sizeGiB && canGrow) return this.grow(found, volume, spec, call);
    const secret = found.MasterUserSecret?.SecretArn;
    if (volume.phase === 'active' && secret !== undefined) {
      await adoptSecret(this.parts.secrets, secret, volume.tags ?? {}, call);
    }
    return volume;
  }

  async read({ id }: ResourceRef, call: Call): Promise<Volume | undefined> {
    const name = nameOf(this.parts.host, 'volume', id);
    const instance = await this.find(name, call);
    if (instance) return this.show(instance, id);
    const group = await this.groups.find(name, id, call);
    return group && begun(name, group);
  }

  async *list(call: Call): AsyncGenerator<Volume> {
    const seen = new Set<string>();
    for (let Marker: string | undefined; ;) {
      const command = new DescribeDBInstancesCommand({ ...(Marker !== undefined && { Marker }) });
      const page = await paced(this.parts.host, 'rds', call, (options) => this.parts.rds.send(command, options));
      for (const instance of page.DBInstances ?? []) {
        seen.add(instance.DBInstanceIdentifier ?? '');
        const identity = this.parts.host.identify(fromAwsTags(instance.TagList));
        if (identity?.type === 'volume') yield databaseVolume(instance, identity);
      }
      if (page.Marker === undefined || page.Marker === '') break;
      ({ Marker } = page);
    }
    for await (const group of this.groups.without(seen, call)) yield begun(group.name, group);
  }

  /** Its automated backups go with it, its snapshots stay. */
  async destroy({ id }: ResourceRef, call: Call): Promise<void> {
    const name = nameOf(this.parts.host, 'volume', id);
    const instance = await this.find(name, call);
    if (!instance) {
      await this.groups.destroy(name, id, call);
      return;
    }
    if (this.show(instance, id).phase === 'destroying') return;
    if (instance.DeletionProtection === true) throw isProtected(name);
    const command = new DeleteDBInstanceCommand({
      DBInstanceIdentifier: name,
      SkipFinalSnapshot: true,
      DeleteAutomatedBackups: true,
    });
    // Not while it is being made: core asks again.
    const now = ['DBInstanceNotFound', 'InvalidDBInstanceState'];
    await unlessAbsent(
      paced(this.parts.host, 'rds', call, (options) => this.parts.rds.send(command, options)),
      now,
    );
  }

  private async create(name: string, spec: VolumeSpec, call: Call): Promise<DBInstance> {
    const request = databaseRequest(this.parts, name, spec);
    await this.groups.ensure(name, spec, call);
    try {
      const made = await paced(this.parts.host, 'rds', call, (options) => this.send(request, options));
      return made ?? (await this.made(name, call));
    } catch (error) {
      if (!isNamed(error, ['DBInstanceAlreadyExists'])) throw error;
      return this.made(name, call);
    }
  }

  private async send(request: DatabaseRequest, options: { abortSignal: AbortSignal }): Promise<DBInstance | undefined> {
    const { rds } = this.parts;
    const { from, input } = request;
    if (from === 'nothing') return (await rds.send(new CreateDBInstanceCommand(input), options)).DBInstance;
    if (from === 'snapshot') {
      return (await rds.send(new RestoreDBInstanceFromDBSnapshotCommand(input), options)).DBInstance;
    }
    return (await rds.send(new RestoreDBInstanceToPointInTimeCommand(input), options)).DBInstance;
  }

  private async made(name: string, call: Call): Promise<DBInstance> {
    const found = await this.find(name, call);
    if (found) return found;
    throw new ProviderError('conflict', `RDS says that ${name} is there, and does not show it`);
  }

  /** Until it has grown it is `creating` for whoever asked for more, and serves all the while. */
  private async grow(instance: DBInstance, volume: Volume, { sizeGiB }: VolumeSpec, call: Call): Promise<Volume> {
    const { DBInstanceIdentifier: name = '', DBInstanceStatus = '', PendingModifiedValues } = instance;
    const isAsked = (PendingModifiedValues?.AllocatedStorage ?? 0) >= sizeGiB;
    if (!isAsked && CAN_GROW.has(DBInstanceStatus)) await this.modify(name, { AllocatedStorage: sizeGiB }, call);
    return { ...volume, phase: 'creating', message: `the database grows to ${String(sizeGiB)} GiB` };
  }

  private async modify(name: string, change: Partial<ModifyDBInstanceMessage>, call: Call): Promise<void> {
    const command = new ModifyDBInstanceCommand({ DBInstanceIdentifier: name, ApplyImmediately: true, ...change });
    await paced(this.parts.host, 'rds', call, (options) => this.parts.rds.send(command, options));
  }

  private async find(name: string, call: Call): Promise<DBInstance | undefined> {
    const command = new DescribeDBInstancesCommand({ DBInstanceIdentifier: name });
    const asked = paced(this.parts.host, 'rds', call, (options) => this.parts.rds.send(command, options));
    return (await unlessAbsent(asked, ['DBInstanceNotFound']))?.DBInstances?.[0];
  }

  private show(instance: DBInstance, id: string): Volume {
    const what = `the DB instance ${instance.DBInstanceIdentifier ?? ''}`;
    return databaseVolume(instance, ours(this.parts.host, { type: 'volume', id, what, tags: instance.TagList }));
  }
}

/** There is no instance: it is not made yet, or gone already. */
function begun(name: string, { identity, sizeGiB }: OwnedGroup): Volume {
  const { id, fingerprint, tags } = identity;
  const message = 'there is a subnet group, and no database in it';
  return { id, fingerprint, tags, kind: 'database', sizeGiB, phase: 'creating', handle: { instance: name }, message };
}

function isProtected(name: string): ProviderError {
  return new ProviderError(
    'conflict',
    `the DB instance ${name} is protected from deletion, by \`native:\` or by hand`,
    {
      effect: 'none',
      retry: 'never',
      hint: `aws rds modify-db-instance --db-instance-identifier ${name} --no-deletion-protection`,
    },
  );
}
