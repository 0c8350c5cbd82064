import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ContainerRuntime } from './runtime.ts';
import { EngineLine } from './testing/engine-line.ts';
import { eventually, harness, type Harness } from './testing/harness.ts';

let h: Harness;
beforeAll(async () => {
  h = await harness();
});
afterAll(() => h.close());
const tags = { clusternator_project: 'shop', clusternator_stage: 'test' };

describe('a network', () => {
  test('is one, however often and by however many it is asked for', async () => {
    const networks = await Promise.all(
      Array.from({ length: 10 }, () => h.runtime.ensureNetwork({ environment: 'many-1', tags }, h.signal)),
    );
    expect(new Set(networks.map(({ id }) => id)).size).toBe(1);
    expect(networks[0]).toMatchObject({
      gateway: expect.stringMatching(/^\d+\.\d+\.\d+\.1$/),
      subnet: expect.stringContaining('/'),
    });
    await h.runtime.removeNetwork('many-1', h.signal);
    await h.runtime.removeNetwork('many-1', h.signal);
    expect(await h.docker.listNetworks({ filters: { name: [networks[0]?.name ?? ''] } })).toEqual([]);
  });

  test('has the machine at its gateway', async () => {
    const { gateway } = await h.runtime.ensureNetwork({ environment: h.environment, tags }, h.signal);
    const spec = h.script('ip route; sleep 1000', { service: 'routed' });
    await h.runtime.ensure(spec, h.signal);
    const lines = await eventually(
      () => h.runtime.lastLines(h.nameOf(spec), 5, h.signal),
      (found) => found.length > 0,
    );
    expect(lines.join()).toContain(`default via ${gateway}`);
  });

  test('with containers on it stays, and says so', async () => {
    await h.runtime.ensure(h.spec({ service: 'attached' }), h.signal);
    await expect(h.runtime.removeNetwork(h.environment, h.signal)).rejects.toMatchObject({ code: 'conflict' });
  });

  test('of somebody else with its name is left alone', async () => {
    const Name = `clusternator-${h.home}.theirs-1`;
    const theirs = await h.docker.createNetwork({ Name });
    try {
      const refused = { code: 'owned-by-other' };
      await expect(h.runtime.ensureNetwork({ environment: 'theirs-1', tags }, h.signal)).rejects.toMatchObject(refused);
      await expect(h.runtime.removeNetwork('theirs-1', h.signal)).rejects.toMatchObject(refused);
    } finally {
      await theirs.remove();
    }
  });

  test('for which the engine has no addresses left gets some of ours', async () => {
    const line = await EngineLine.open();
    const full = {
      message:
        'could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network',
    };
    line.refuse(/^POST .*\/networks\/create/, 500, full, 1);
    const runtime = new ContainerRuntime({ home: h.home, env: { DOCKER_HOST: line.dockerHost } });
    const network = await runtime.ensureNetwork({ environment: 'ours-1', tags }, h.signal);
    expect(network).toMatchObject({
      gateway: expect.stringMatching(/^172\.16\./),
      subnet: expect.stringMatching(/\/25$/),
    });
    const spec = h.script('ip route; sleep 1000', { service: 'ours', network: network.name });
    await h.runtime.ensure(spec, h.signal);
    const lines = await eventually(
      () => h.runtime.lastLines(h.nameOf(spec), 5, h.signal),
      (found) => found.length > 0,
    );
    expect(lines.join()).toContain(`default via ${network.gateway}`);
    await h.runtime.remove(h.nameOf(spec), 0, h.signal);
    await runtime.removeNetwork('ours-1', h.signal);

    line.refuse(/^POST .*\/networks\/create/, 500, full, 2);
    await expect(runtime.ensureNetwork({ environment: 'full-1', tags }, h.signal)).rejects.toMatchObject({
      code: 'quota',
      detail: { hint: expect.stringContaining('default-address-pools') },
    });
    await line.close();
  });
});

describe('a volume', () => {
  const name = () => `clusternator-${h.home}-volume`;

  test('is made once, listed by its tags, and removed with its data, repeatedly', async () => {
    await h.runtime.ensureVolume(name(), { ...tags, clusternator_id: 'data' }, h.signal);
    await h.runtime.ensureVolume(name(), { ...tags, clusternator_id: 'data' }, h.signal);
    const found = [{ name: name(), tags: { ...tags, clusternator_id: 'data' } }];
    expect(await h.runtime.listVolumes({ clusternator_id: 'data' }, h.signal)).toEqual(found);
    expect(await h.runtime.listVolumes({ clusternator_id: 'other' }, h.signal)).toEqual([]);
    await h.runtime.removeVolume(name(), h.signal);
    await h.runtime.removeVolume(name(), h.signal);
    expect(await h.runtime.listVolumes({}, h.signal)).toEqual([]);
  });

  test('of somebody else with its name is left alone', async () => {
    await h.docker.createVolume({ Name: name() });
    try {
      const refused = { code: 'owned-by-other' };
      await expect(h.runtime.ensureVolume(name(), tags, h.signal)).rejects.toMatchObject(refused);
      await expect(h.runtime.removeVolume(name(), h.signal)).rejects.toMatchObject(refused);
    } finally {
      await h.docker.getVolume(name()).remove();
    }
  });
});

describe('a container', () => {
  test('is listed by its tags, with what it is an instance of', async () => {
    const spec = h.spec({ service: 'listed', index: 2, tags: { ...tags, clusternator_fingerprint: 'f1' } });
    await h.runtime.ensure(spec, h.signal);
    expect(await h.runtime.list({ clusternator_fingerprint: 'f1' }, h.signal)).toMatchObject([
      {
        name: h.nameOf(spec),
        state: 'running',
        tags: spec.tags,
        id: { environment: h.environment, service: 'listed', index: 2 },
      },
    ]);
  });

  test('has a short name that is its own', () => {
    const long = { environment: 'e'.repeat(40), service: 's'.repeat(40), index: 0 };
    const names = [0, 1, 2].map((index) => h.runtime.nameOf({ ...long, index }));
    expect(new Set(names).size).toBe(3);
    for (const name of names) expect(name).toMatch(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,62}$/);
  });

  test('gets its time to end, stays stopped, and goes with its anonymous volumes, repeatedly', async () => {
    const image = h.docker.getImage(h.spec().image);
    const keeper = await h.docker.createContainer({ Image: h.spec().image });
    await keeper.commit({ repo: 'clusternator-test/anonymous', tag: h.home, changes: 'VOLUME /anonymous' });
    await keeper.remove();
    const spec = h.script("trap 'echo bye; exit 0' TERM; while :; do sleep 0.1; done", {
      service: 'polite',
      image: `clusternator-test/anonymous:${h.home}`,
    });
    await h.runtime.ensure(spec, h.signal);
    const { Mounts } = await h.docker.getContainer(h.nameOf(spec)).inspect();
    const volume = Mounts[0]?.Name ?? '';
    await h.runtime.stop(h.nameOf(spec), 10, h.signal);
    await h.runtime.stop(h.nameOf(spec), 10, h.signal);
    expect(await h.runtime.inspect(h.nameOf(spec), h.signal)).toMatchObject({
      state: 'exited',
      exitCode: 0,
      restarting: false,
    });
    expect(await h.runtime.lastLines(h.nameOf(spec), 1, h.signal)).toEqual(['bye']);
    await Promise.all([h.runtime.remove(h.nameOf(spec), 0, h.signal), h.runtime.remove(h.nameOf(spec), 0, h.signal)]);
    await h.runtime.remove(h.nameOf(spec), 0, h.signal);
    await expect(h.docker.getVolume(volume).inspect()).rejects.toMatchObject({ statusCode: 404 });
    await h.docker.getImage(`clusternator-test/anonymous:${h.home}`).remove();
    expect(await image.inspect()).toBeDefined();
  });

  test('that takes no notice is ended after its time', async () => {
    const spec = h.script("trap '' TERM; while :; do sleep 0.1; done", { service: 'rude' });
    await h.runtime.ensure(spec, h.signal);
    await h.runtime.stop(h.nameOf(spec), 1, h.signal);
    expect(await h.runtime.inspect(h.nameOf(spec), h.signal)).toMatchObject({ state: 'exited', exitCode: 137 });
  });

  test('that is paused goes on', async () => {
    const spec = h.spec({ service: 'paused' });
    await h.runtime.ensure(spec, h.signal);
    await h.docker.getContainer(h.nameOf(spec)).pause();
    expect((await h.runtime.inspect(h.nameOf(spec), h.signal)).message).toContain('paused');
    expect((await h.runtime.ensure(spec, h.signal)).message).toBeUndefined();
  });
});

test('a sweep removes all with the tags, and nothing else', async () => {
  const other = await harness();
  try {
    const volume = `clusternator-${other.home}-swept`;
    await other.runtime.ensureVolume(volume, tags, h.signal);
    const doomed = other.spec({ mounts: [{ kind: 'volume', volume, target: '/data', readOnly: false }] });
    await other.runtime.ensure(doomed, h.signal);
    const neighbour = h.spec({ service: 'neighbour' });
    await h.runtime.ensure(neighbour, h.signal);

    expect(await other.runtime.sweep({ clusternator_project: 'another' }, 0, h.signal, { volumes: true })).toEqual({
      containers: [],
      networks: [],
      volumes: [],
    });
    expect(await other.runtime.sweep(tags, 0, h.signal)).toMatchObject({
      containers: [other.nameOf(doomed)],
      volumes: [],
    });
    expect(await other.runtime.sweep(tags, 0, h.signal, { volumes: true })).toMatchObject({
      containers: [],
      volumes: [volume],
    });
    expect(await h.runtime.inspect(h.nameOf(neighbour), h.signal)).toMatchObject({ state: 'running' });
  } finally {
    await other.close();
  }
});

test('a home that would not do in names is refused', () => {
  expect(() => new ContainerRuntime({ home: '../x', env: {} })).toThrow('[a-z0-9]');
});
