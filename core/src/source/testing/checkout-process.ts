// Run as a process of its own: checks out `shas` one after the other, as another command would.
import { openRepository } from '../repository.ts';

const [directory = '', stateFolder = '', out = '', ...shas] = process.argv.slice(2);
const repository = await openRepository(directory, {
  env: process.env,
  stateFolder,
  signal: new AbortController().signal,
});
for (const sha of shas) {
  const commit = await repository.resolve({ sha });
  await repository.checkout(commit, `${out}/${sha}`);
  process.stdout.write(`${sha}\n`);
}
