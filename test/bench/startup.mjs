import path from 'node:path';

import { seedEnvironments } from '../e2e/src/seed.ts';
import { atMost, median, ms, ratioOf, report, run, takeTurns } from './measure.mjs';

/** How long the commands that only print take, against an empty Node process. */
export async function startup(sandbox, tool) {
  await sandbox.repository('node-service', ['first']);
  await sandbox.create();
  seedEnvironments(sandbox.stateHome, sandbox.project, 100);
  const bin = path.join(tool, 'node_modules', '.bin', 'clusternator');
  const options = { cwd: sandbox.cwd, env: sandbox.env };
  const times = await takeTurns(21, {
    node: () => run('node', ['-e', '0'], options),
    version: () => run(bin, ['--version'], options),
    list: () => run(bin, ['env', 'list', '--limit', '100'], options),
  });
  const peer = `node -e 0: ${ms(median(times.node))}`;
  report('--version', ms(median(times.version)), peer, ratioOf(times.version, times.node), atMost(3));
  report('env list, 100 environments', ms(median(times.list)), peer, ratioOf(times.list, times.node), atMost(5));
}
