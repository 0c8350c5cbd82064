import { expect, test } from '@jest/globals';
import type { ServiceSpec, Volume } from '@clusternator/core';
import { problemsOf } from '../ecs/plan.ts';
import { web } from '../ecs/testing/ecs-scene.ts';
import { diskProblems, disksOf } from './disks.ts';

const disk = (id: string, more: Partial<Volume> = {}): Volume => ({
  id,
  kind: 'disk',
  sizeGiB: 1,
  phase: 'active',
  handle: { volumeId: `vol-${id}`, zone: 'us-east-1a' },
  ...more,
});
const mounts = (byPath: Readonly<Record<string, Volume>>): ServiceSpec['mounts'] =>
  Object.fromEntries(Object.entries(byPath).map(([at, volume]) => [at, { volume, readOnly: false }]));
const inTime = {
  health: { path: '/', statusFrom: 200, statusTo: 299, everySeconds: 5, withinSeconds: 300, healthyAfter: 2 },
};
const service = (byPath: Readonly<Record<string, Volume>>, more: Partial<ServiceSpec> = {}): ServiceSpec =>
  web({ mounts: mounts(byPath), ...inTime, ...more });
const said = (services: Readonly<Record<string, ServiceSpec>>): readonly string[] =>
  diskProblems(services).map(({ path, message }) => `${path}: ${message}`);

test('a disk is mounted below the source tree, wherever its path begins', () => {
  const all = disksOf(service({ '/data/': disk('b'), 'a/../cache/./files': disk('a') }));
  expect(all).toEqual([
    { volume: 'vol-a', zone: 'us-east-1a', path: 'cache/files', readOnly: false },
    { volume: 'vol-b', zone: 'us-east-1a', path: 'data', readOnly: false },
  ]);
  expect(said({ web: service({ data: disk('a'), '/var/cache': disk('b') }) })).toEqual([]);
  for (const at of ['.', '/', '..', 'a/../..', '../data', '/../etc'])
    expect(said({ web: service({ [at]: disk('a') }) })).toEqual([
      `services.web.volumes: a disk is mounted below the source tree, not at ${at}`,
    ]);
});

test('a disk is of one machine: of no second instance, service or zone, with the way out', () => {
  expect(said({ web: service({ data: disk('a') }, { instances: { min: 0, max: 2 } }) })).toEqual([
    'services.web.volumes: an EBS volume is attached to one machine at a time, and 2 may run: take instances: 1',
  ]);
  expect(said({ api: service({ data: disk('a') }), web: service({ data: disk('a') }) })).toEqual([
    'services.web.volumes: the disk a is mounted by api too, on a machine of its own: it is attached to one machine, once',
  ]);
  expect(said({ web: service({ data: disk('a'), more: disk('a') }) })).toHaveLength(1);
  const elsewhere = disk('b', { handle: { volumeId: 'vol-b', zone: 'us-east-1b' } });
  expect(said({ web: service({ data: disk('a'), more: elsewhere }) })).toEqual([
    expect.stringContaining('its disks are in us-east-1a and us-east-1b, and a machine is in one zone'),
  ]);
  const many = Object.fromEntries(Array.from({ length: 11 }, (_, at) => [`d${String(at)}`, disk(String(at))]));
  expect(said({ web: service(many) })).toEqual(['services.web.volumes: a machine takes 10 disks, and it has 11']);
});

test('a machine is given the time to boot before it has its disk', () => {
  const { health } = inTime;
  const path = 'services.web.health.within';
  const problems = diskProblems({ web: service({ data: disk('a') }, { health: { ...health, withinSeconds: 60 } }) });
  expect(problems).toMatchObject([{ path, message: expect.stringContaining('within: 5m') }]);
  const { health: _, ...without } = service({ data: disk('a') });
  expect(diskProblems({ web: without })).toMatchObject([{ path }]);
  expect(diskProblems({ web: service({}, { health: { ...health, withinSeconds: 60 } }) })).toEqual([]);
});

test('machines mount disks alone, and tasks none', () => {
  expect(diskProblems({ web: service({ data: disk('a', { kind: 'files', handle: {} }) }) })).toMatchObject([
    { path: 'services.web.volumes', capability: 'storage.disks', message: expect.stringContaining('kind: disk') },
  ]);
  const inContainers = problemsOf({
    id: 'a',
    fingerprint: '',
    tags: {},
    hosts: [],
    services: { web: service({ '/data': disk('a') }) },
    sites: {},
  });
  expect(inContainers).toMatchObject([
    { path: 'services.web.volumes', capability: 'storage.disks', message: expect.stringContaining('kind: files') },
  ]);
});
