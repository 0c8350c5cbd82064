/**
 * Benchmarks: `npm run bench`, or `npm run bench -- startup proxy`. Each number stands beside a peer's, taken in the same run.
 * They say what is, and fail only when something could not be measured.
 */
import { spawnSync } from 'node:child_process';
import { rm } from 'node:fs/promises';

import { installPacked } from '../e2e/install.mjs';
import { Sandbox } from '../e2e/src/sandbox.ts';
import { aws } from './aws.mjs';
import { createContainer, createProcess } from './create.mjs';
import { memory, proxy } from './proxy.mjs';
import { slots } from './slots.mjs';
import { startup } from './startup.mjs';
import { storage } from './storage.mjs';

const has = (program) => spawnSync('which', [program]).status === 0;
const engine = () => has('docker') && spawnSync('docker', ['info'], { timeout: 20_000 }).status === 0;

const missing = (...programs) =>
  programs.filter((program) => !has(program)).map((program) => `${program} is not installed`)[0];

const tool = await installPacked();
process.env.CLUSTERNATOR_E2E_TOOL = tool;
const benchmarks = {
  startup: { run: (sandbox) => startup(sandbox, tool) },
  process: { run: createProcess },
  container: { run: createContainer, without: () => (engine() ? undefined : 'no Docker Engine answers') },
  proxy: { run: proxy, without: () => ['wrk', 'nginx', 'ss'].find((program) => !has(program)) },
  slots: { run: (sandbox) => slots(sandbox, tool), without: () => (has('wrk') ? undefined : 'wrk is not installed') },
  storage: { run: storage },
  memory: { run: (sandbox) => memory(sandbox) },
  aws: {
    run: (sandbox) => aws(sandbox, tool),
    without: () =>
      (engine() ? undefined : 'no Docker Engine answers') ?? missing('ministack', 'docker-registry', 'openssl'),
  },
};
const wanted = process.argv.slice(2);

console.log(`${'what'.padEnd(44)} ${'ours'.padStart(14)}  ${'beside'.padEnd(34)} ${'ratio'.padStart(7)}  aim`);
try {
  for (const [name, benchmark] of Object.entries(benchmarks)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const reason = benchmark.without?.();
    if (reason) {
      console.log(`${name}: left out (${reason})`);
      continue;
    }
    const sandbox = await Sandbox.open();
    try {
      await benchmark.run(sandbox);
    } catch (error) {
      process.exitCode = 1;
      console.error(`${name} could not be measured: ${error.stack}`);
    } finally {
      await sandbox.dispose();
    }
  }
} finally {
  await rm(tool, { recursive: true, force: true });
}
