import { DeleteObjectCommand, GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { EnvironmentSpec } from '@clusternator/core';
import { documentOf, environmentKey } from './keys.ts';
import { DOMAIN, openSiteScene, type SiteScene, type SiteTenant } from './testing/site-scene.ts';

let scene: SiteScene;
let shop: SiteTenant;
beforeAll(async () => {
  scene = await openSiteScene();
  shop = await scene.tenant();
}, 120_000);
afterAll(() => scene.end());

const read = (id: string, by = shop) => by.call('read', (call) => by.environments.read({ id }, call));
const list = (by = shop) => by.call('list', (call) => Array.fromAsync(by.environments.list(call)));
const hostOf = (id: string): string => `${id}--shop.${DOMAIN}`;
const SITES = {
  web: {
    'index.html': '<p>front</p>',
    'app.js': 'go()',
    '.hidden': 'no',
    '.well-known/x': 'yes',
    'über uns.html': 'us',
  },
  docs: { 'index.html': '<p>docs</p>', 'data/plain': 'bytes', 'data/empty.txt': '' },
};

test('an environment is made of its files, with their types, and led to; read as it was made; made once; and nothing is left', async () => {
  const spec = shop.spec('a1', SITES);
  const made = await shop.make(spec);
  expect(made).toMatchObject({ id: 'a1', phase: 'active', fingerprint: spec.fingerprint, tags: spec.tags });
  expect(Object.keys(made.parts)).toEqual(['web', 'docs']);
  expect(JSON.stringify(made.handle).length).toBeLessThan(4096);
  const led = await scene.ask(hostOf('a1'), '/%C3%BCber%20uns.html');
  const Key = decodeURIComponent(led.uri ?? '').slice(1);
  const us = await scene.s3.send(new GetObjectCommand({ Bucket: scene.foundation.bucket, Key }));
  expect([await us.Body?.transformToString(), us.ContentType]).toEqual(['us', 'text/html; charset=utf-8']);
  const types = async (uri: string) => {
    const key = (await scene.ask(hostOf('a1'), uri)).uri?.slice(1);
    return (await scene.s3.send(new GetObjectCommand({ Bucket: scene.foundation.bucket, Key: key }))).ContentType;
  };
  expect(await types('/app.js')).toBe('text/javascript; charset=utf-8');
  expect(await types('/docs/data/plain')).toBe('application/octet-stream');
  expect((await scene.objects()).filter((key) => key.includes('hidden'))).toEqual([]);
  expect(await shop.call('health', (call) => shop.environments.health(made, call))).toMatchObject({ healthy: true });

  const again = await scene.tenant();
  expect(await read('a1', again)).toEqual(made);
  expect(await list(again)).toEqual([made]);
  const before = scene.wire.mutations;
  expect(await shop.make(spec)).toEqual(made);
  expect(await again.make(spec)).toEqual(made);
  expect(scene.wire.mutations).toBe(before);

  await shop.remove('a1');
  expect(await read('a1')).toBeUndefined();
  expect(await scene.objects()).toEqual([]);
  expect([...(await scene.store()).keys()]).toEqual([]);
  await shop.remove('a1');
});

test('one that was made from another spec comes back untouched', async () => {
  const made = await shop.make(shop.spec('b1'));
  const other = await shop.make(shop.spec('b1', { web: { 'index.html': 'other' } }));
  expect(other).toEqual(made);
  await shop.remove('b1');
});

test('nothing leads to it before all of its files are there, and files first lead nowhere before they go', async () => {
  const started = scene.wire.calls.length;
  const writes = async (work: () => Promise<unknown>): Promise<readonly string[]> => {
    const start = scene.wire.calls.length;
    await work();
    return scene.wire.since(start).flatMap(({ mutation, method, path }) => {
      if (mutation === undefined) return [];
      return path.startsWith('/key-value-stores')
        ? ['route']
        : [`${method} ${path.includes('delete') ? 'gone' : (path.split('/')[2] ?? '')}`];
    });
  };
  const making = await writes(() => shop.make(shop.spec('c1', SITES)));
  expect(making).toEqual(['PUT environments', ...Array.from({ length: 7 }, () => 'PUT sites'), 'route']);
  const [files, others] = [7, 6];
  expect(scene.wire.since(started)).toHaveLength(files + others);
  expect(await writes(() => shop.remove('c1'))).toEqual(['route', 'POST gone', 'POST gone']);
});

test('what an interrupted create left is on its way, is listed, and is gone on with or removed', async () => {
  const spec = shop.spec('d1', SITES);
  const lift = scene.wire.impose({
    when: ({ path }) => path.includes('/sites/'),
    fault: { kind: 'reset', after: false },
  });
  await expect(shop.make(spec)).rejects.toThrow('ECONNRESET');
  lift();
  const left = await read('d1');
  expect(left).toMatchObject({ id: 'd1', phase: 'creating', fingerprint: spec.fingerprint });
  expect(await list()).toEqual([left]);
  if (left)
    expect(await shop.call('health', (call) => shop.environments.health(left, call))).toMatchObject({ healthy: false });
  expect(await scene.ask(hostOf('d1'))).toMatchObject({ statusCode: 404 });
  expect(await shop.make(spec)).toMatchObject({ phase: 'active' });
  await shop.remove('d1');
  expect(await scene.objects()).toEqual([]);
});

test('files that are gone are told by its health', async () => {
  const made = await shop.make(shop.spec('e1'));
  const key = environmentKey(shop.host, 'e1');
  await scene.s3.send(
    new PutObjectCommand({ Bucket: scene.foundation.bucket, Key: `sites/${key}/more`, Body: 'more' }),
  );
  const health = await shop.call('health', (call) => shop.environments.health(made, call));
  expect(health).toMatchObject({ healthy: false, parts: { web: { message: '2 of 1 files are there' } } });
  await shop.remove('e1');
  await expect(shop.call('health', (call) => shop.environments.health(made, call))).rejects.toMatchObject({
    code: 'not-found',
  });
  const logs = shop.call('logs', (call) => Array.fromAsync(shop.environments.logs(made, { follow: false }, call)));
  await expect(logs).rejects.toMatchObject({ code: 'not-found' });
});

test('another stage has its own under the same id, and neither touches the other’s', async () => {
  const other = await scene.tenant({ stage: 'other' });
  await shop.make(shop.spec('f1'));
  await other.make(other.spec('f1', undefined, { hosts: [`f1--other.${DOMAIN}`] }));
  expect((await list()).map(({ id }) => id)).toEqual(['f1']);
  await other.remove('f1');
  expect(await read('f1')).toMatchObject({ phase: 'active' });
  await shop.remove('f1');
});

test('what is somebody else’s is left alone: a document, a host', async () => {
  const key = documentOf(environmentKey(shop.host, 'g1'));
  const theirs = { Bucket: scene.foundation.bucket, Key: key, Body: '{"theirs":true}' };
  await scene.s3.send(new PutObjectCommand(theirs));
  await expect(shop.make(shop.spec('g1'))).rejects.toMatchObject({ code: 'owned-by-other' });
  await expect(shop.remove('g1')).rejects.toMatchObject({ code: 'owned-by-other' });
  expect(await scene.objects()).toEqual([key]);
  expect(await list()).toEqual([]);
  await shop.make(shop.spec('g2'));
  await expect(shop.make(shop.spec('g3', undefined, { hosts: [hostOf('g2')] }))).rejects.toMatchObject({
    code: 'owned-by-other',
  });
  expect((await scene.ask(hostOf('g2'))).uri).toContain(environmentKey(shop.host, 'g2'));
  for (const id of ['g2', 'g3']) await shop.remove(id);
  const { VersionId } = await scene.s3.send(new HeadObjectCommand({ Bucket: scene.foundation.bucket, Key: key }));
  await scene.s3.send(new DeleteObjectCommand({ Bucket: scene.foundation.bucket, Key: key, VersionId }));
});

test('creates side by side all come through', async () => {
  const ids = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'];
  await Promise.all(ids.map((id) => shop.make(shop.spec(id))));
  expect((await list()).map(({ id, phase }) => `${id} ${phase}`).sort()).toEqual(ids.map((id) => `${id} active`));
  await Promise.all(ids.map((id) => shop.remove(id)));
  expect(await list()).toEqual([]);
  expect([...(await scene.store()).keys()]).toEqual([]);
});

test('what does not fit is refused, with its path and the way out', async () => {
  const refusal = (spec: EnvironmentSpec) => shop.make(spec).catch((error: unknown) => error);
  const many = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`site-${String(at)}`, { 'index.html': '' }]));
  expect(await refusal(shop.spec('i1', {}))).toMatchObject({ code: 'invalid', detail: { path: 'sites' } });
  expect(await refusal(shop.spec('i1', many))).toMatchObject({ code: 'invalid', detail: { path: 'sites' } });
  for (const host of ['www.example.org', `a.b.${DOMAIN}`]) {
    expect(await refusal(shop.spec('i1', undefined, { hosts: [host] }))).toMatchObject({ code: 'unsupported' });
  }
  expect(await list()).toEqual([]);
});
