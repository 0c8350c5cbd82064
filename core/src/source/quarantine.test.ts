import { expect, test } from '@jest/globals';
import { openScratch } from '../artefact/scratch.ts';
import { Git } from './git.ts';
import { fetchInto } from './quarantine.ts';
import { Bench } from './testing/repositories.ts';

test('a commit that another process brings meanwhile is not built on', async () => {
  using bench = new Bench();
  const folder = bench.init('r');
  const shas = Array.from({ length: 6 }, (_, i) => bench.commit(folder, { file: `${i}`, [`only/${i}`]: `${i}` }));
  const repository = await bench.open(folder);
  const { mirror } = repository;
  for (const sha of shas.slice(1, 3)) await repository.checkout(await repository.resolve({ sha }), bench.path(sha));
  const git = new Git(bench.env, new AbortController().signal);
  const source = { name: 'r', url: `${folder}/.git`, cwd: folder, variables: {} };
  for (const known of [[], shas.slice(1, 2), shas.slice(2, 3), shas.slice(1, 3)]) {
    for (const sha of shas) {
      await using quarantine = await openScratch(mirror.incoming);
      await expect(fetchInto(git, { gitDir: quarantine.folder, sha, source, known })).resolves.toBe(true);
    }
  }
});
