// Run as a process of its own: adds and releases artefacts again and again, as other commands would.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ArtefactStore } from '../store.ts';

const [root = '', owner = '', rounds = '1'] = process.argv.slice(2);
const store = new ArtefactStore(root);
for (let i = 0; i < Number(rounds); i++) {
  const content = `bundle ${i % 3}`;
  const artefact = await store.add({ write: fill(content) }, `${owner}-${i}`);
  await store.folder(artefact);
  if (i % 2 === 1) await store.release(`${owner}-${i - 1}`);
  process.stdout.write('.');
}
store.close();

function fill(content: string): (folder: string) => Promise<void> {
  return (folder) => {
    mkdirSync(join(folder, 'deep'));
    for (let file = 0; file < 20; file++) writeFileSync(join(folder, 'deep', `${file}`), content);
    return Promise.resolve();
  };
}
