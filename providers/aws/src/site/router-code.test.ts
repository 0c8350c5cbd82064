import { describe, expect, test } from '@jest/globals';
import { shardsOf, VALUE_BYTES } from './keys.ts';
import { routerCode } from './router-code.ts';
import { runAfter, runRouter, type Asked, type Routed } from './testing/run-router.ts';

const FILES = ['index.html', 'app.js', 'guide/index.html', 'guide/a b+c.html', '.well-known/security.txt', 'plain'];
const BELOW = ['index.html', 'open api.json'];

/** A store with an environment of two sites, and a slot that leads to it. */
function storeOf(slot: unknown = { v: 1, g: '1', r: [['a', 100]], h: ['main.example'], b: ['main-1.example'] }) {
  const files = [...FILES.map((file) => `sites/a/web/${file}`), ...BELOW.map((file) => `sites/a/docs/${file}`)];
  const shards = shardsOf(files);
  return new Map([
    ['host.a.example', '{"e":"a"}'],
    ['host.main.example', '{"s":"m","p":0}'],
    ['host.main-1.example', '{"s":"m","p":1}'],
    ['host.lost.example', '{"e":"lost"}'],
    ['slot.m', JSON.stringify(slot)],
    [
      'env.a',
      JSON.stringify({
        n: shards.length,
        s: [
          ['/docs', 'sites/a/docs/', 'index.html'],
          ['/', 'sites/a/web/', ''],
        ],
      }),
    ],
    ['env.b', JSON.stringify({ n: 1, s: [['/', 'sites/b/', '']] })],
    ['files.b.0', shardsOf(['sites/b/index.html'])[0] ?? ''],
    ...shards.map((shard, at) => [`files.a.${String(at)}`, shard] as const),
  ]);
}
const ask = (uri: string, more: Partial<Asked> = {}): Promise<Routed> =>
  runRouter(storeOf(), { host: 'a.example', uri, ...more });

test.each([
  ['/', '/sites/a/web/index.html'],
  ['/app.js', '/sites/a/web/app.js'],
  ['//app.js', '/sites/a/web/app.js'],
  ['/plain', '/sites/a/web/plain'],
  ['/guide/', '/sites/a/web/guide/index.html'],
  ['/guide/a%20b%2Bc.html', '/sites/a/web/guide/a%20b%2Bc.html'],
  ['/guide/a%20b+c.html', '/sites/a/web/guide/a%20b%2Bc.html'],
  ['/.well-known/security.txt', '/sites/a/web/.well-known/security.txt'],
  ['/docs/', '/sites/a/docs/index.html'],
  ['/docs/open%20api.json', '/sites/a/docs/open%20api.json'],
  ['/docs/what/ever', '/sites/a/docs/index.html'],
])('%s leads to %s', async (uri, object) => {
  expect(await ask(uri, { querystring: { q: { value: '1' } } })).toMatchObject({ uri: object, querystring: {} });
});

test.each([
  ['/none', 404],
  ['/app.js/', 404],
  ['/docsy', 404],
  ['/../app.js', 400],
  ['/%2e%2e/app.js', 400],
  ['/guide%2Findex.html', 400],
  ['/%ff', 400],
])('%s is a %i', async (uri, status) => {
  expect(await ask(uri)).toMatchObject({ statusCode: status, headers: { 'cache-control': { value: 'no-cache' } } });
});

test('a folder without its slash is told the one with it, and keeps its query', async () => {
  const querystring = { q: { value: 'a%20b' }, bare: { value: '' } };
  expect(await ask('/guide', { querystring })).toMatchObject({
    statusCode: 308,
    headers: { location: { value: '/guide/?q=a%20b&bare' } },
  });
  expect(await ask('/docs')).toMatchObject({ statusCode: 308, headers: { location: { value: '/docs/' } } });
  expect((await ask('//guide')).headers.location).toEqual({ value: '/guide/' });
});

test('a host that is not known is a 404, what leads to nothing a 503, and OPTIONS are told', async () => {
  expect(await ask('/', { host: 'other.example' })).toMatchObject({ statusCode: 404 });
  expect(await ask('/', { host: 'lost.example' })).toMatchObject({ statusCode: 503 });
  expect(await ask('/', { method: 'OPTIONS' })).toMatchObject({
    statusCode: 204,
    headers: { allow: { value: 'GET, HEAD, OPTIONS' } },
  });
  expect(await ask('/', { host: 'A.Example' })).toMatchObject({ uri: '/sites/a/web/index.html' });
});

describe('a slot', () => {
  const slot = {
    v: 3,
    g: '7',
    r: [
      ['a', 70],
      ['b', 30],
      ['b', 0],
    ],
    h: [],
    b: [],
  };
  const to = async (host: string, random: number) => (await runRouter(storeOf(slot), { host, uri: '/' }, random)).uri;

  test('leads to each of its environments by their shares, and a standby to its own', async () => {
    expect(await to('main.example', 0.69)).toBe('/sites/a/web/index.html');
    expect(await to('main.example', 0.71)).toBe('/sites/b/index.html');
    expect(await to('main-1.example', 0)).toBe('/sites/b/index.html');
  });

  test('that was never promoted to, and a standby that is not there, are a 503', async () => {
    const empty = storeOf({ v: 1, r: [], h: [], b: [] });
    for (const host of ['main.example', 'main-1.example']) {
      expect(await runRouter(empty, { host, uri: '/' })).toMatchObject({ statusCode: 503 });
    }
  });
});

test('browsers ask each time, and guess no types', async () => {
  expect((await runAfter({ etag: { value: 'x' } })).headers).toEqual({
    etag: { value: 'x' },
    'cache-control': { value: 'no-cache' },
    'x-content-type-options': { value: 'nosniff' },
  });
});

test('CloudFront takes the code, and its store the shards of many files', async () => {
  expect(Buffer.byteLength(routerCode)).toBeLessThan(10 * 1024);
  const files = Array.from({ length: 5000 }, (_, at) => `sites/b/${String(at)}.html`);
  const shards = shardsOf(files);
  expect(Math.max(...shards.map((shard) => Buffer.byteLength(shard)))).toBeLessThanOrEqual(VALUE_BYTES);
  const store = storeOf();
  store.set('env.a', JSON.stringify({ n: shards.length, s: [['/', 'sites/b/', '']] }));
  for (const [at, shard] of shards.entries()) store.set(`files.a.${String(at)}`, shard);
  for (const at of [0, 777, 4999]) {
    const uri = `/${String(at)}.html`;
    expect(await runRouter(store, { host: 'a.example', uri })).toMatchObject({ uri: `/sites/b${uri}` });
  }
  expect(await runRouter(store, { host: 'a.example', uri: '/5000.html' })).toMatchObject({ statusCode: 404 });
});
