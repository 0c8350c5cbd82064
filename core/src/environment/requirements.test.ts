import { expect, test } from '@jest/globals';
import { parseConfig } from '../config/parse.ts';
import type { ProjectConfig } from '../config/schema.ts';
import { no, yes, type Capabilities } from '../provider/capabilities.ts';
import { unmetRequirements } from './requirements.ts';

function config(raw: object): ProjectConfig {
  const parsed = parseConfig({ project: 'shop', provider: 'fly', ...raw });
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}
const CAN: Capabilities = {
  'environments.images': yes(),
  'environments.processes': no('This cloud runs images only.'),
  'environments.sites': yes(),
  'environments.instances': yes({ limit: 3 }),
  'storage.files': yes({ limit: 100 }),
};
const missing = (raw: object) =>
  unmetRequirements(config(raw), CAN, 'fly').map(({ path, capability }) => `${path} ${String(capability)}`);

test('a config that asks for what the provider can has no problems', () => {
  const raw = { services: { api: { image: 'api:1', port: 80, route: '/', instances: 3 } } };
  expect(missing(raw)).toEqual([]);
});

test('what a provider denies is told with its path and its reason', () => {
  const raw = config({ services: { worker: { command: 'node worker.js' } } });
  expect(unmetRequirements(raw, CAN, 'fly')).toEqual([
    {
      path: 'services.worker',
      capability: 'environments.processes',
      message: `provider "fly" can't do this (environments.processes): This cloud runs images only.`,
    },
  ]);
});

test('what is not declared is a no, and a limit is a limit', () => {
  expect(
    missing({
      services: {
        api: { image: 'api:1', port: 80, route: '/api', instances: 4, volumes: { data: '/data' } },
        db: { image: 'db:1', port: 5432 },
      },
      sites: { web: { dir: 'public', route: '/' } },
      volumes: { data: { size: '200Gi', onDestroy: 'snapshot' } },
    }),
  ).toEqual([
    'services.api.instances environments.instances',
    'services.db.port environments.private',
    'services.db.protocol environments.tcp',
    'services environments.paths',
    'volumes.data.size storage.files',
    'volumes.data.onDestroy storage.snapshots',
  ]);
});

test('commands that migrate run inside services', () => {
  const migrate = { service: 'api', expand: 'node migrate.js' };
  const raw = { services: { api: { image: 'api:1', port: 80, route: '/' } }, slots: { master: { migrate } } };
  expect(missing(raw)).toEqual(['slots.master.migrate environments.exec']);
});

test.each<readonly [string, readonly string[], object, readonly string[]]>([
  ['names below the domain', ['www.shop.test', 'shop.test'], {}, []],
  ['another name', ['www.shop.test', 'shop.example'], {}, ['slots.master.host slots.hosts']],
  ['one that only ends alike', ['myshop.test'], {}, ['slots.master.host slots.hosts']],
  ['another name by DNS', ['shop.example'], { mechanism: 'dns' }, []],
])('host names outside of the domain have to be possible: %s', (_, host, more, expected) => {
  const raw = {
    domain: 'shop.test',
    services: { api: { image: 'api:1', port: 80, route: '/' } },
    slots: { master: { host, ...more } },
  };
  const routed = { ...CAN, 'slots.router': yes() };
  const of = (can: Capabilities) =>
    unmetRequirements(config(raw), can, 'fly').map(({ path, capability }) => `${path} ${String(capability)}`);
  expect(of(routed)).toEqual(expected);
  expect(of({ ...routed, 'slots.hosts': yes({ limit: 3 }) })).toEqual([]);
  expect(of(CAN)).toEqual([]);
});

test('what holds for some kinds of volumes is missing for the others', () => {
  const can: Capabilities = {
    'environments.images': yes(),
    'storage.files': yes(),
    'storage.databases': yes(),
    'storage.snapshots': yes({ kinds: ['database'], note: 'Databases alone.' }),
  };
  const backup = { every: '1d', keep: { daily: 7 } };
  const raw = {
    services: {
      api: { image: 'api:1', port: 80, route: '/', volumes: { uploads: '/uploads' }, needs: { orders: 'DB_HOST' } },
    },
    volumes: { uploads: { backup }, orders: { kind: 'database', engine: 'postgres:17', backup } },
  };
  expect(unmetRequirements(config(raw), can, 'aws')).toEqual([
    {
      path: 'volumes.uploads.backup',
      capability: 'storage.snapshots',
      message: `provider "aws" can't do this (storage.snapshots): Databases alone.`,
    },
  ]);
});

test('a build in the cloud takes a provider that has that builder, and the way out is told', () => {
  const raw = config({ services: { api: { build: { on: 'codebuild' }, port: 80, route: '/' }, job: { build: '.' } } });
  const path = 'services.api.build.on';
  const capability = 'images.build';
  expect(unmetRequirements(raw, CAN, 'fly')).toEqual([
    {
      ...{ path, capability },
      message:
        `provider "fly" can't do this (images.build): The cloud builds images; the note lists its builders; ` +
        'leave it out, for the Docker Engine at hand, or have CI build it, and name it by image',
    },
  ]);
  const other = { ...CAN, [capability]: yes({ builders: ['kiln', 'forge'] }) };
  expect(unmetRequirements(raw, other, 'fly')).toEqual([
    { ...{ path, capability }, message: 'provider "fly" has no builder "codebuild": it may be engine, kiln, forge' },
  ]);
  expect(unmetRequirements(raw, { ...CAN, [capability]: yes({ builders: ['codebuild'] }) }, 'aws')).toEqual([]);
});
