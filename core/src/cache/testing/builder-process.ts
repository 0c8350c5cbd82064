// Run as a process of its own: builds again and again with a cache, and fails when it is given one that is not whole.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BuildCache } from '../build-cache.ts';

const FILES = 50;
const [root = '', name = '', rounds = '1'] = process.argv.slice(2);
const caches = new BuildCache(join(root, 'caches'), () => 2 ** 40);
for (let round = 0; round < Number(rounds); round++) {
  const tree = join(root, `tree-${name}`);
  const folder = join(tree, 'node_modules/.cache');
  mkdirSync(tree);
  const use = {
    owner: 'shop/default',
    part: 'web',
    folders: ['node_modules/.cache'],
    sizeMiB: 100,
    tree,
    signal: new AbortController().signal,
    tell: (message: string) => {
      if (!message.includes('replaced again and again')) throw new Error(message);
    },
  };
  await caches.restore(use);
  mkdirSync(folder, { recursive: true });
  const found = readdirSync(folder);
  const contents = new Set(found.map((file) => readFileSync(join(folder, file), 'utf8')));
  if (found.length > 0 && (found.length !== FILES || contents.size !== 1))
    throw new Error(`${String(found.length)} files`);
  for (let file = 0; file < FILES; file++) writeFileSync(join(folder, String(file)), `${name} ${String(round)}`);
  await caches.save(use);
  rmSync(tree, { recursive: true });
  process.stdout.write('.');
}
caches.close();
