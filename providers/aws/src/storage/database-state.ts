import type { DBInstance } from '@aws-sdk/client-rds';
import type { Identity, Phase, Volume } from '@clusternator/core/provider';
import { DATABASE_NAME } from './database-requests.ts';

/**
 * The data can be reached, though maybe with a pause.
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html
 */
const REACHED =
  /^(?:available|backing-up|configuring-.+|converting-to-vpc|maintenance|modifying|moving-to-vpc|rebooting|renaming|resetting-master-credentials|storage-config-upgrade|storage-initialization|storage-optimization|upgrading)$/;
const FAILED = /^(?:failed|inaccessible-.+|incompatible-.+|insufficient-capacity|restore-error|storage-full)$/;
const STOPPED = /^(?:stopping|stopped)$/;
const GOING = /^(?:deleting|delete-precheck)$/;

/** A status that is not known here is told in its own words, and neither counts as there nor as failed. */
export function phaseOfDatabase({ DBInstanceStatus: status = '', MasterUserSecret }: DBInstance): Phase {
  if (GOING.test(status)) return 'destroying';
  if (FAILED.test(status)) return 'failed';
  if (STOPPED.test(status)) return 'stopped';
  return REACHED.test(status) && isUsable(MasterUserSecret?.SecretStatus) ? 'active' : 'creating';
}

/** It is usable while RDS gives it another value. */
function isUsable(secret: string | undefined): boolean {
  return secret === 'active' || secret === 'rotating';
}

export function databaseVolume(instance: DBInstance, identity: Identity): Volume {
  const { DBInstanceIdentifier = '', AllocatedStorage = 0 } = instance;
  const phase = phaseOfDatabase(instance);
  const connection = connectionOf(instance);
  return {
    id: identity.id,
    fingerprint: identity.fingerprint,
    tags: identity.tags,
    kind: 'database',
    phase,
    sizeGiB: AllocatedStorage,
    handle: { instance: DBInstanceIdentifier },
    ...(phase !== 'active' && { message: `the database is ${statusOf(instance)}` }),
    ...(connection && { connection }),
  };
}

function statusOf({ DBInstanceStatus = 'of unknown status', MasterUserSecret }: DBInstance): string {
  if (!REACHED.test(DBInstanceStatus)) return DBInstanceStatus;
  return `${DBInstanceStatus}, its password ${MasterUserSecret?.SecretStatus ?? 'not made yet'}`;
}

/** The password is a key of the secret that RDS keeps, in the form that ECS takes.
 *  @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html */
function connectionOf({ Endpoint, DBName, MasterUsername, MasterUserSecret }: DBInstance): Volume['connection'] {
  if (Endpoint?.Address === undefined || Endpoint.Port === undefined) return undefined;
  if (MasterUsername === undefined || MasterUserSecret?.SecretArn === undefined) return undefined;
  const DATABASE = DBName ?? DATABASE_NAME; // RDS need not tell it of an instance that was restored
  return {
    env: { HOST: Endpoint.Address, PORT: String(Endpoint.Port), DATABASE, USER: MasterUsername },
    secrets: { PASSWORD: { name: 'PASSWORD', reference: `${MasterUserSecret.SecretArn}:password::` } },
  };
}
