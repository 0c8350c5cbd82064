import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { raw, request, stage } from './testing/harness.ts';
import type { Stage } from './testing/harness.ts';

let folder = '';
let root = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'site-'));
  root = join(folder, 'dist');
  await mkdir(join(root, 'docs'), { recursive: true });
  await mkdir(join(root, 'empty'));
  await mkdir(join(root, '.git'));
  await mkdir(join(root, '.well-known'));
  await mkdir(join(root, 'ü and # space'));
  await writeFile(join(folder, 'secret.txt'), 'SECRET');
  await mkdir(join(folder, 'dist-other'));
  await writeFile(join(folder, 'dist-other', 'x.txt'), 'SECRET');
  const files = {
    'index.html': '<h1>home</h1>',
    'docs/index.html': 'docs',
    'app.js': 'export {}',
    'data.json': '{}',
    'digits.txt': '0123456789',
    '404.html': 'own page',
    '.env': 'SECRET',
    '.git/config': 'SECRET',
    '.well-known/security.txt': 'hello',
    'ü and # space/100%?.txt': 'odd',
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(root, name), text);
  await symlink(join(folder, 'secret.txt'), join(root, 'out.txt'));
  await symlink(folder, join(root, 'out'));
  await symlink('.env', join(root, 'env.txt'));
  await symlink('digits.txt', join(root, 'link.txt'));
  await symlink('nowhere', join(root, 'dangling'));
});
afterAll(async () => rm(folder, { recursive: true }));

async function site(options: { prefix?: string; fallback?: string; folder?: string } = {}): Promise<Stage> {
  const s = await stage();
  const { prefix = '/', ...target } = options;
  const part = { name: 'web', prefix, target: { kind: 'site' as const, folder: root, ...target } };
  s.table.setBackend({ id: 'e1', title: 'environment e1', parts: [part] });
  s.table.setHost('app.localhost', [{ backend: 'e1', percent: 100 }]);
  return s;
}

describe('files', () => {
  test.each([
    ['/', '<h1>home</h1>', 'text/html; charset=utf-8'],
    ['/index.html?x=1', '<h1>home</h1>', 'text/html; charset=utf-8'],
    ['/docs/', 'docs', 'text/html; charset=utf-8'],
    ['/app.js', 'export {}', 'text/javascript; charset=utf-8'],
    ['/data.json', '{}', 'application/json; charset=utf-8'],
    ['/link.txt', '0123456789', 'text/plain; charset=utf-8'],
    ['/.well-known/security.txt', 'hello', 'text/plain; charset=utf-8'],
    ['/%C3%BC%20and%20%23%20space/100%25%3F.txt', 'odd', 'text/plain; charset=utf-8'],
  ])('%s', async (path, body, type) => {
    await using s = await site();
    const reply = await request(s.port, path);
    expect(reply).toMatchObject({ status: 200, body, headers: { 'content-type': type, 'cache-control': 'no-cache' } });
    const head = await request(s.port, path, { method: 'HEAD' });
    expect(head.body).toBe('');
    expect(head.headers).toMatchObject({ 'content-length': String(Buffer.byteLength(body)), etag: reply.headers.etag });
  });

  test.each([
    ['/docs', '/docs/'],
    ['/docs?x=1', '/docs/?x=1'],
  ])('%s leads to %s', async (path, location) => {
    await using s = await site();
    expect(await request(s.port, path)).toMatchObject({ status: 308, headers: { location } });
  });

  test('nobody is led to another host', async () => {
    await using s = await site();
    const reply = await request(s.port, '//docs');
    expect(reply.headers.location).toBe('/docs/');
  });

  test.each(['/nothing', '/empty/', '/empty', '/index.html/', '/docs/nothing', '/dangling'])(
    '%s is not there: the own page',
    async (path) => {
      await using s = await site();
      const reply = await request(s.port, path, { headers: { range: 'bytes=0-1' } });
      expect(reply).toMatchObject({ status: 404, body: 'own page' });
    },
  );

  test('a fallback answers unknown paths with 200', async () => {
    await using s = await site({ fallback: 'index.html' });
    expect(await request(s.port, '/some/route')).toMatchObject({ status: 200, body: '<h1>home</h1>' });
    expect(await request(s.port, '/.env')).toMatchObject({ status: 404 });
  });

  test('a site is mounted at its route', async () => {
    await using s = await site({ prefix: '/guide' });
    expect(await request(s.port, '/guide/digits.txt')).toMatchObject({ status: 200, body: '0123456789' });
    expect(await request(s.port, '/guide')).toMatchObject({ status: 308, headers: { location: '/guide/' } });
    expect((await request(s.port, '/digits.txt')).status).toBe(404);
  });

  test('a folder that is gone is told', async () => {
    await using s = await site({ folder: join(folder, 'gone') });
    expect((await request(s.port, '/')).status).toBe(404);
  });
});

describe('what is never served', () => {
  test.each([
    '/.env',
    '/%2eenv',
    '/.git/config',
    '/env.txt',
    '/out.txt',
    '/out/secret.txt',
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/docs/../../secret.txt',
    '/docs/%2e%2e/%2e%2e/secret.txt',
    '/..%5csecret.txt',
    '/%2e%2e%2fdist-other/x.txt',
    '/digits.txt%00.html',
    '/%',
    '/%ff',
    '/%c0%ae%c0%ae/secret.txt',
    '//etc/passwd',
    '/%2fetc/passwd',
    '/file:///etc/passwd',
  ])('%s', async (path) => {
    await using s = await site();
    const reply = await raw(s.port, `GET ${path} HTTP/1.1\r\nHost: app.localhost\r\nConnection: close\r\n\r\n`);
    expect(reply).toMatch(/^HTTP\/1.1 40[04] /);
    expect(reply).not.toMatch(/SECRET|root:/);
  });

  test('a fallback outside the folder', async () => {
    for (const fallback of ['../secret.txt', 'out.txt', '.env']) {
      await using s = await site({ fallback });
      const reply = await request(s.port, '/nothing');
      expect(reply.status).toBe(404);
      expect(reply.body).not.toContain('SECRET');
    }
  });
});

describe('conditions and ranges', () => {
  test('an unchanged file is not sent again', async () => {
    await using s = await site();
    const { headers } = await request(s.port, '/digits.txt');
    const same = await request(s.port, '/digits.txt', { headers: { 'if-none-match': headers.etag ?? '' } });
    expect(same).toMatchObject({ status: 304, body: '', headers: { etag: headers.etag } });
    const since = await request(s.port, '/digits.txt', {
      headers: { 'if-modified-since': headers['last-modified'] ?? '' },
    });
    expect(since.status).toBe(304);
  });

  test('of two folders whose files agree in name, size and time, each is served as its own', async () => {
    const time = new Date('2020-01-01T00:00:00Z');
    const folders = await Promise.all(
      ['one', 'two'].map(async (text) => {
        const at = await mkdtemp(join(folder, 'artefact-'));
        await writeFile(join(at, 'x.txt'), text);
        await utimes(join(at, 'x.txt'), time, time);
        return at;
      }),
    );
    await using s = await site({ folder: folders[0] ?? '' });
    const { headers } = await request(s.port, '/x.txt');
    const target = { kind: 'site' as const, folder: folders[1] ?? '' };
    s.table.setBackend({ id: 'e1', title: 'environment e1', parts: [{ name: 'web', prefix: '/', target }] });
    const flipped = await request(s.port, '/x.txt', { headers: { 'if-none-match': headers.etag ?? '' } });
    expect(flipped).toMatchObject({ status: 200, body: 'two' });
    const later = await request(s.port, '/x.txt', {
      headers: { 'if-modified-since': 'Fri, 01 Jan 2100 00:00:00 GMT' },
    });
    expect(later.status).toBe(200);
  });

  test.each([
    ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
    ['bytes=-3', 206, '789', 'bytes 7-9/10'],
    ['bytes=8-', 206, '89', 'bytes 8-9/10'],
    ['bytes=20-', 416, undefined, 'bytes */10'],
    ['lines=1-2', 200, '0123456789', undefined],
  ])('%s', async (range, status, body, contentRange) => {
    await using s = await site();
    const reply = await request(s.port, '/digits.txt', { headers: { range } });
    expect(reply.status).toBe(status);
    expect(reply.headers['content-range']).toBe(contentRange);
    expect(body === undefined || reply.body === body).toBe(true);
  });

  test('a range of another version is the whole file', async () => {
    await using s = await site();
    const { headers } = await request(s.port, '/digits.txt');
    const get = async (ifRange: string) =>
      request(s.port, '/digits.txt', { headers: { range: 'bytes=0-0', 'if-range': ifRange } });
    expect(await get(headers.etag ?? '')).toMatchObject({ status: 206, body: '0' });
    expect(await get('"other"')).toMatchObject({ status: 200, body: '0123456789' });
  });

  test('a failed precondition', async () => {
    await using s = await site();
    expect((await request(s.port, '/digits.txt', { headers: { 'if-match': '"other"' } })).status).toBe(412);
  });

  test('only reading is possible', async () => {
    await using s = await site();
    const post = await request(s.port, '/digits.txt', { method: 'POST', body: 'x' });
    expect(post).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD, OPTIONS' } });
    expect(await request(s.port, '/', { method: 'OPTIONS' })).toMatchObject({ status: 204 });
  });
});
