/**
 * A program that embeds the installed engine: it moves slots, and makes environments, as it is told on its standard input, a JSON document a line, and answers so.
 * Benchmarks load test/bench/count-writes.mjs before it. Arguments: the tool's folder, the repository, the state folder.
 */
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [tool, directory, stateFolder] = process.argv.slice(2);
const packages = path.join(tool, 'node_modules', '@clusternator');
const { openProject, readProviderSource } = await import(
  pathToFileURL(path.join(packages, 'core', 'dist', 'index.js'))
);
const signal = new globalThis.AbortController().signal;
const project = await openProject({
  directory,
  stateFolder,
  env: { ...process.env, CLUSTERNATOR_STATE_HOME: stateFolder },
  providers: [await readProviderSource(path.join(packages, 'provider-local'))],
  signal,
  emit: () => undefined,
});

const slots = project.slots();
const verbs = {
  promote: (request) => slots.promote(request),
  rollback: (request) => slots.rollback(request),
  show: ({ slot }) => slots.show(slot),
  releases: ({ slot }) => Array.fromAsync(slots.releases(slot)),
  create: ({ commit }) => project.create({ sha: commit }),
  destroy: ({ environment }) => project.destroy(environment),
  gc: () => project.gc({ dryRun: false }),
  environments: () => Array.fromAsync(project.environments()),
  unfinished: async () => {
    const all = await Array.fromAsync(project.operations());
    return all.filter(({ state, alive }) => state === 'interrupted' || (state === 'running' && !alive));
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { verb, request } = JSON.parse(line);
  globalThis.countFlip?.();
  const started = performance.now();
  try {
    const result = await verbs[verb](request);
    tell({ ok: true, result, tookMs: performance.now() - started, writes: globalThis.countFlip?.() });
  } catch (error) {
    tell({ ok: false, error: { code: error.code, message: error.message } });
  }
}
await project.close();

function tell(answer) {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
