import { expect, test } from '@jest/globals';
import type { ProjectSpec, VolumeSpec } from '@clusternator/core/provider';
import { storageConfigSchema } from './config.ts';
import { storageCapabilities, storageRateLimits } from './capabilities.ts';
import { checkVolumes } from './engines.ts';

const volume = (more: Partial<VolumeSpec>): VolumeSpec => ({
  id: 'slot-master-orders',
  kind: 'database',
  sizeGiB: 20,
  engine: { name: 'postgres', version: '17' },
  fingerprint: '',
  tags: { clusternator_volume: 'orders' },
  ...more,
});
const problems = (more: Partial<VolumeSpec>) => {
  const environment: ProjectSpec['environment'] = {
    id: 'a',
    fingerprint: '',
    tags: {},

    services: {},
    sites: {},
    hosts: [],
  };
  return checkVolumes({ environment, slots: [], volumes: [volume(more)] }).map(({ path }) => path);
};

test('the days that RDS can go back are those of the config, and none are a no', () => {
  const capability = (raw: object) => storageCapabilities(storageConfigSchema.parse(raw))['storage.pointInTime'];
  expect(capability({})).toMatchObject({ can: 'yes', limit: 7 });
  expect(capability({ databaseBackupDays: 35 })).toMatchObject({ can: 'yes', limit: 35 });
  expect(capability({ databaseBackupDays: 0 })).toMatchObject({ can: 'no' });
});

test('there are snapshots of databases and disks, and of no files', () => {
  expect(storageCapabilities(storageConfigSchema.parse({}))['storage.snapshots']).toMatchObject({
    kinds: ['database', 'disk'],
  });
});

test('what RDS does not sell is a problem, by its path', () => {
  expect(problems({})).toEqual([]);
  expect(problems({ sizeGiB: 1 })).toEqual(['volumes.orders.size']);
  expect(problems({ sizeGiB: 70_000 })).toEqual(['volumes.orders.size']);
  expect(problems({ engine: { name: 'oracle', version: '19' } })).toEqual(['volumes.orders.engine']);
  expect(problems({ kind: 'files', sizeGiB: 1 })).toEqual([]);
});

test('limits name their source', () => {
  expect(storageRateLimits.rds?.source).toMatch(/^https:\/\/docs\.aws\.amazon\.com\//);
});
