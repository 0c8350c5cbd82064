import type {
  CreateDBInstanceMessage,
  RestoreDBInstanceFromDBSnapshotMessage,
  RestoreDBInstanceToPointInTimeMessage,
} from '@aws-sdk/client-rds';
import { ProviderError, type Host, type VolumeSpec } from '@clusternator/core/provider';
import type { StorageConfig } from './config.ts';
import type { AwsFoundation } from '../foundation/outputs.ts';
import { toAwsTags } from './aws-tags.ts';
import { ENGINES } from './engines.ts';
import { nameOf, withNative } from './ownership.ts';

/** Of the database in an instance, and of its user. */
export const DATABASE_NAME = 'app';
const DATABASE_USER = 'app';

interface Parts {
  readonly host: Host;
  readonly config: StorageConfig;
  readonly foundation: AwsFoundation;
}
/** The request that makes an instance, by what it is made from. */
export type DatabaseRequest =
  | { readonly from: 'nothing'; readonly input: CreateDBInstanceMessage }
  | { readonly from: 'snapshot'; readonly input: RestoreDBInstanceFromDBSnapshotMessage }
  | { readonly from: 'past'; readonly input: RestoreDBInstanceToPointInTimeMessage };

/** @throws ProviderError `invalid`: no engine, or one that RDS does not run here. */
export function databaseRequest(parts: Parts, name: string, spec: VolumeSpec): DatabaseRequest {
  const { host } = parts;
  const { from, native } = spec;
  const common = commonOf(parts, name, spec);
  if (from === undefined) {
    const engine = engineOf(spec);
    const input = {
      ...common,
      DBInstanceIdentifier: name,
      Engine: engine.name,
      EngineVersion: engine.version,
      AllocatedStorage: spec.sizeGiB,
      StorageEncrypted: true,
      DBName: DATABASE_NAME,
      MasterUsername: DATABASE_USER,
    };
    return { from: 'nothing', input: withNative(host, input, native) };
  }
  // The size is the source's, which AWS may have rounded up: less than it is refused, and more it grows to afterwards.
  if ('snapshot' in from) {
    const { handle, id } = from.snapshot;
    const DBSnapshotIdentifier = handle.snapshot ?? nameOf(host, 'snapshot', id);
    const input = { ...common, DBInstanceIdentifier: name, DBSnapshotIdentifier };
    return { from: 'snapshot', input: withNative(host, input, native) };
  }
  const { handle, id } = from.volume;
  const input = {
    ...common,
    TargetDBInstanceIdentifier: name,
    SourceDBInstanceIdentifier: handle.instance ?? nameOf(host, 'volume', id),
    ...(from.at ? { RestoreTime: from.at } : { UseLatestRestorableTime: true }),
  };
  return { from: 'past', input: withNative(host, input, native) };
}

/** What is asked for however an instance comes to be: a restore takes none of it from its source. */
function commonOf({ config, foundation }: Parts, name: string, { tags }: VolumeSpec) {
  return {
    DBInstanceClass: config.databaseClass,
    StorageType: 'gp3',
    DBSubnetGroupName: name,
    VpcSecurityGroupIds: [foundation.securityGroups.db],
    PubliclyAccessible: false,
    BackupRetentionPeriod: config.databaseBackupDays,
    ManageMasterUserPassword: true,
    // What protects data are Clusternator's own rules, which can tell an unused volume from one in use.
    DeletionProtection: false,
    // Automated snapshots would else be taken for volumes.
    CopyTagsToSnapshot: false,
    Tags: toAwsTags(tags),
  };
}

function engineOf({ id, engine }: VolumeSpec): NonNullable<VolumeSpec['engine']> {
  if (engine && ENGINES.includes(engine.name)) return engine;
  throw new ProviderError('invalid', `volume ${id} needs an engine that RDS runs: ${ENGINES.join(', ')}`, {
    path: 'engine',
  });
}
