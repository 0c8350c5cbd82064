import { no, yes, type Capabilities, type RateLimit } from '@clusternator/core/provider';
import type { StorageConfig } from './config.ts';
import { DATABASE_GIB, ENGINES } from './engines.ts';

/** What there is of storage under a config. */
export function storageCapabilities({ databaseBackupDays }: StorageConfig): Capabilities {
  return {
    'storage.files': yes({ note: 'EFS, which has no sizes: the one asked for is told, not enforced' }),
    'storage.disks': no('tasks on Fargate have no disks that outlive them'),
    'storage.databases': yes({
      limit: DATABASE_GIB.most,
      note: `${ENGINES.join(', ')} on RDS, from ${String(DATABASE_GIB.least)} GiB`,
    }),
    'storage.snapshots': yes({ note: 'of databases; EFS has none', kinds: ['database'] }),
    'storage.durableSnapshots': yes({ note: 'of databases' }),
    'storage.clone': no('RDS makes a database of the past, up to five minutes old, and EFS has no clones'),
    'storage.pointInTime':
      databaseBackupDays > 0
        ? yes({ limit: databaseBackupDays, note: 'of databases, up to five minutes ago' })
        : no('databaseBackupDays is 0'),
    'storage.grow': yes({
      note: 'a database by 10 percent or more at a time, once in six hours; files grow by themselves',
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
