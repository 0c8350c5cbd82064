import { no, yes, type Capabilities, type RateLimit } from '@clusternator/core/provider';
import type { StorageConfig } from './config.ts';
import { DATABASE_GIB, ENGINES } from './engines.ts';

/** The most of gp3 in every region. @see https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html */
const DISK_GIB = 16_384;

/** What there is of storage under a config. */
export function storageCapabilities({ databaseBackupDays }: StorageConfig): Capabilities {
  return {
    'storage.files': yes({ note: 'EFS, which has no sizes: the one asked for is told, not enforced' }),
    'storage.disks': yes({
      limit: DISK_GIB,
      note: 'of gp3 on EBS, for services on machines: a task on Fargate has no disk that outlives it',
    }),
    'storage.databases': yes({
      limit: DATABASE_GIB.most,
      note: `${ENGINES.join(', ')} on RDS, from ${String(DATABASE_GIB.least)} GiB`,
    }),
    'storage.snapshots': yes({ note: 'of databases and disks; EFS has none', kinds: ['database', 'disk'] }),
    'storage.durableSnapshots': yes({ note: 'of databases and disks' }),
    'storage.clone': no(
      'RDS makes a database of the past, up to five minutes old, EFS has no clones, and a disk is copied by its snapshot',
    ),
    'storage.pointInTime':
      databaseBackupDays > 0
        ? yes({ limit: databaseBackupDays, note: 'of databases, up to five minutes ago' })
        : no('databaseBackupDays is 0'),
    'storage.grow': yes({
      note: 'a database by 10 percent or more at a time, a database or a disk once in six hours; files grow by themselves',
    }),
  };
}

export const storageRateLimits: Readonly<Record<string, RateLimit>> = {
  rds: {
    perSecond: 12,
    burst: 300,
    source: 'https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-api-throttling.html',
  },
};
