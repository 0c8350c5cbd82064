import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { seedEnvironments } from '../e2e/src/seed.ts';
import { writeProvider } from '../e2e/src/provider-package.ts';
import { atMost, median, ms, ratioOf, report, run, takeTurns } from './measure.mjs';

/** How long the commands that only print take, against an empty Node process. */
export async function startup(sandbox, tool) {
  await sandbox.repository('node-service', ['first']);
  await sandbox.create();
  seedEnvironments(sandbox.stateHome, sandbox.project, 100);
  await measure(sandbox, tool, '');
  await installTen(sandbox);
  await measure(sandbox, tool, ', ten providers');
}

async function measure(sandbox, tool, where) {
  const bin = path.join(tool, 'node_modules', '.bin', 'clusternator');
  const options = { cwd: sandbox.cwd, env: sandbox.env };
  const times = await takeTurns(21, {
    node: () => run('node', ['-e', '0'], options),
    version: () => run(bin, ['--version'], options),
    list: () => run(bin, ['env', 'list', '--limit', '100'], options),
  });
  const peer = `node -e 0: ${ms(median(times.node))}`;
  report(`--version${where}`, ms(median(times.version)), peer, ratioOf(times.version, times.node), atMost(3));
  report(
    `env list, 100 environments${where}`,
    ms(median(times.list)),
    peer,
    ratioOf(times.list, times.node),
    atMost(5),
  );
}

/** As `plugins link` writes them down. */
async function installTen(sandbox) {
  const plugins = [];
  for (let number = 1; number <= 10; number += 1) {
    const root = path.join(sandbox.folder, 'plugins', `p${number}`);
    await writeProvider(root, { id: `p${number}` });
    plugins.push({ name: `clusternator-provider-p${number}`, type: 'link', root });
  }
  const data = path.join(sandbox.env.XDG_DATA_HOME, 'clusternator');
  await mkdir(data, { recursive: true });
  await writeFile(path.join(data, 'package.json'), JSON.stringify({ oclif: { plugins } }));
}
