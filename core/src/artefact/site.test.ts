import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BuildCache } from '../cache/build-cache.ts';
import { write } from '../source/testing/repositories.ts';
import { removeFolder } from './files.ts';
import { buildSite } from './site.ts';
import type { SiteBuild } from './site.ts';
import { ArtefactStore } from './store.ts';

let root: string;
let store: ArtefactStore;
let output: string[];
let site: SiteBuild;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'clusternator site '));
  store = new ArtefactStore(join(root, 'artefacts'));
  output = [];
  mkdirSync(join(root, 'tree'));
  site = {
    name: 'web',
    tree: join(root, 'tree'),
    dir: 'dist',
    scratchFolder: join(root, 'scratch'),
    store,
    owner: 'env-1',
    env: { PATH: process.env.PATH },
    signal: new AbortController().signal,
    onOutput: (line) => output.push(line),
  };
});
afterEach(async () => {
  store.close();
  await removeFolder(root);
});

test('a site is built in a copy of its tree, and its bundle is kept', async () => {
  write(
    join(site.tree, 'build.sh'),
    '#!/bin/sh\necho "building $1"\nmkdir dist && cat dep > dist/index.html; printf half >&2\n',
  );
  const tree = readdirSync(site.tree);
  const artefact = await buildSite({
    ...site,
    install: ['sh', '-c', 'echo installed > dep'],
    build: ['./build.sh', '$(touch x); "a b"'],
  });
  expect(readFileSync(join(await store.folder(artefact), 'index.html'), 'utf8')).toBe('installed\n');
  expect(output.toSorted()).toEqual(['building $(touch x); "a b"', 'half']);
  expect(readdirSync(site.tree)).toEqual(tree);
  expect(readdirSync(site.scratchFolder)).toEqual([]);
});

test('a build finds what an earlier one left, also after an install that removed it, and none of it is served', async () => {
  const caches = new BuildCache(join(root, 'caches'));
  const cache = { store: caches, owner: 'shop/default', folders: ['node_modules/.cache', 'dist/.cache'], sizeMiB: 10 };
  write(
    join(site.tree, 'build.sh'),
    `#!/bin/sh
cat node_modules/.cache/made dist/.cache/made > found 2> /dev/null
mkdir -p node_modules/.cache dist/.cache && cp found dist/index.html
echo 1 > node_modules/.cache/made; echo 2 > dist/.cache/made
`,
  );
  const build = { ...site, cache, install: ['rm', '-rf', 'node_modules'], build: ['./build.sh'] };
  const served = async (): Promise<string[]> => {
    const folder = await store.folder(await buildSite(build));
    return [...readdirSync(folder), readFileSync(join(folder, 'index.html'), 'utf8')];
  };
  expect(await served()).toEqual(['index.html', '']);
  expect(await served()).toEqual(['index.html', '1\n2\n']);
  const failing = ['sh', '-c', 'mkdir -p node_modules/.cache && echo broken > node_modules/.cache/made; exit 1'];
  await expect(buildSite({ ...build, build: failing })).rejects.toMatchObject({ code: 'unhealthy' });
  expect(await served()).toEqual(['index.html', '1\n2\n']);
  caches.close();
  expect(readdirSync(site.scratchFolder)).toEqual([]);
});

test('a site without a build is its folder', async () => {
  write(join(site.tree, 'public/index.html'), 'hello');
  const artefact = await buildSite({ ...site, dir: './public/' });
  expect(readFileSync(join(await store.folder(artefact), 'index.html'), 'utf8')).toBe('hello');
  expect(existsSync(site.scratchFolder)).toBe(false);
});

test('a build that fails is named, with its last lines', async () => {
  const script = 'for i in $(seq 1 30); do echo "line $i"; done; echo broken >&2; exit 3';
  const failed = buildSite({ ...site, build: ['sh', '-c', script] });
  await expect(failed).rejects.toMatchObject({ code: 'unhealthy', detail: { path: 'sites.web.build' } });
  const error = String(await failed.catch((thrown: unknown) => thrown));
  expect(error).toMatch(/the build of site web failed: .* ended with code 3\n/);
  expect(error).toContain('\n  line 30');
  expect(error).toContain('\n  broken');
  expect(error).not.toContain('line 5\n');
  await expect(buildSite({ ...site, install: ['no-such-program'] })).rejects.toThrow(
    /install of site web .*no program no-such-program/,
  );
  await expect(buildSite({ ...site, build: ['sh', '-c', 'kill -9 $$'] })).rejects.toThrow(
    /ended with signal SIGKILL \(9\)/,
  );
  expect(readdirSync(site.scratchFolder)).toEqual([]);
});

test.each([
  ['dist', 'site web is not there; there are: dits, file, out', 'did you mean dits?'],
  ['../..', 'is outside of the repository', undefined],
  ['out', 'is a link that leads out of the repository', undefined],
  ['file', 'is a file, not a folder', undefined],
])('the folder %s is refused: %s', async (dir, message, hint) => {
  write(join(site.tree, 'dits/x'), '');
  write(join(site.tree, 'file'), '');
  symlinkSync('/etc', join(site.tree, 'out'));
  for (const build of [undefined, ['true']]) {
    const error: unknown = await buildSite({ ...site, dir, build }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'invalid',
      message: expect.stringContaining(message),
      detail: { path: 'sites.web.dir' },
    });
    if (hint !== undefined) expect(error).toMatchObject({ detail: { hint } });
  }
});

test('an abort ends the build with all that it started, also what hides in a session of its own', async () => {
  const controller = new AbortController();
  const pids = join(root, 'pids');
  const script = `trap '' TERM; sleep 600 & echo $! >> "${pids}"; setsid sleep 600 & echo $! >> "${pids}"; echo $$ >> "${pids}"; echo ready; wait; sleep 600`;
  const building = buildSite({
    ...site,
    build: ['sh', '-c', script],
    signal: controller.signal,
    onOutput: () => {
      controller.abort();
    },
  });
  await expect(building).rejects.toMatchObject({ code: 'cancelled' });
  await noneOf(pids);
  expect(readdirSync(site.scratchFolder)).toEqual([]);
});

test('what a build leaves running ends with it', async () => {
  const pids = join(root, 'pids');
  const script = `sleep 600 & echo $! >> "${pids}"; setsid sleep 600 & echo $! >> "${pids}"; mkdir dist; echo done`;
  writeFileSync(pids, '');
  await expect(buildSite({ ...site, build: ['sh', '-c', script] })).resolves.toMatchObject({ kind: 'files' });
  await noneOf(pids);
});

async function noneOf(file: string): Promise<void> {
  const until = performance.now() + 10_000;
  const alive = () =>
    readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .filter((pid) => existsSync(`/proc/${pid}/exe`));
  while (alive().length > 0) {
    if (performance.now() > until) throw new Error(`these go on: ${alive().join(' ')}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
