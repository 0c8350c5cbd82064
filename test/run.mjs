/**
 * The project's tests, lane by lane: `npm test`, or `npm test -- unit static` for some of them.
 * A lane that this machine can't run is left out and said so; with CI=true that is a failure.
 * The last line is the total over all lanes.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

const root = path.resolve(import.meta.dirname, '..');
const binaries = path.join(root, 'node_modules', '.bin');
const env = { ...process.env, PATH: `${binaries}${path.delimiter}${process.env.PATH}`, FORCE_COLOR: '0' };
const inCi = process.env.CI === 'true';

const { values: options, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean', short: 'h' },
    list: { type: 'boolean' },
    path: { type: 'string', multiple: true },
    name: { type: 'string', short: 't' },
    workers: { type: 'string' },
  },
});

const checks = [
  ['lock file', 'node', 'test/lint/lockfile.mjs'],
  ['types', 'tsc', '-p', 'tsconfig.test.json'],
  ['eslint', 'eslint', '.'],
  ['prettier', 'prettier', '--check', '--log-level', 'warn', '.'],
  ['directions', 'depcruise', '--config', '.dependency-cruiser.cjs', 'core', 'providers', 'plugins', 'test'],
  ['unused code', 'knip', '--no-config-hints'],
  ['public surface', 'node', 'test/lint/api-report.mjs'],
  ['reference pages', 'node', 'docs/generate.mjs', '--check'],
];

/** Folders of this run, which go with it however it ends. */
const scratch = [];
process.once('exit', () => {
  for (const folder of scratch) rmSync(folder, { recursive: true, force: true });
});
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
])
  process.once(signal, () => process.exit(128 + number));

const withoutEngine = { DOCKER_HOST: `unix://${path.join(tmpdir(), 'no-docker-engine.sock')}` };

const lanes = [
  { name: 'static', about: 'types, lint, format, directions, unused code, generated pages', run: runChecks },
  { name: 'unit', about: 'beside the sources', run: () => runJest(['unit']) },
  { name: 'dig', about: 'DNS asked with dig', without: missing('dig'), run: () => runPacked(['dig', 'e2e-dig']) },
  {
    name: 'databases',
    about: 'volumes under the databases of Debian, as processes',
    without: noDatabases,
    run: () => runPacked(['e2e-databases'], withoutEngine),
  },
  { name: 'docker', about: 'parts on a Docker Engine', without: noEngine, run: () => runJest(['docker']) },
  {
    name: 'aws',
    about: 'the AWS provider on moto and MiniStack, and the data plane beside them',
    without: () =>
      missing('moto_server', 'ministack', 'aws', 'dig', 'curl', 'openssl', 'setpriv', 'docker-registry')() ??
      noEngine(),
    run: () => runPacked(['aws', 'e2e-aws']),
  },
  {
    name: 'e2e',
    about: 'the packed tool, with no Docker Engine in reach',
    // Most of its time is waiting for processes to start, drain and be given up on.
    run: () => runPacked(['e2e'], withoutEngine, '4'),
  },
  {
    name: 'e2e-docker',
    about: 'the packed tool on a Docker Engine',
    without: noEngine,
    run: () => runPacked(['e2e-docker']),
  },
  {
    name: 'databases-docker',
    about: 'the same databases in containers, built of the packages of Debian',
    without: () => noDatabases() ?? noEngine(),
    run: () => runPacked(['e2e-databases-docker']),
  },
  {
    name: 'root',
    about: 'the packed tool, what only root can set up: full disks, another user',
    without: cannotMount,
    run: () => runPacked(['e2e-root']),
  },
  {
    name: 'reflink',
    about: 'the packed tool on file systems that share blocks',
    without: noReflinks,
    run: () => runPacked(['e2e-reflink']),
  },
  {
    name: 'browser',
    about: 'pages in Chromium',
    without: missing('chromium'),
    run: () => runPacked(['browser', 'e2e-browser']),
  },
];

if (options.help || options.list) {
  console.log('npm test -- [lane …] [--path file …] [--name pattern] [--workers n]\n');
  for (const lane of lanes) console.log(`  ${lane.name.padEnd(18)}${lane.about}`);
  process.exit(0);
}
const unknown = wanted.filter((name) => !lanes.some((lane) => lane.name === name));
if (unknown.length > 0) {
  console.error(`No lane is called ${unknown.join(', ')}. There are: ${lanes.map((lane) => lane.name).join(', ')}.`);
  process.exit(2);
}

/** Installed at the first lane that drives the packed tool, for all of them. */
async function runPacked(projects, more, workers) {
  if (!env.CLUSTERNATOR_E2E_TOOL) {
    const { installPacked } = await import('./e2e/install.mjs');
    try {
      env.CLUSTERNATOR_E2E_TOOL = await installPacked();
    } catch (error) {
      console.error(error.message);
      return { passed: 0, failed: 1, skipped: 0 };
    }
    scratch.push(env.CLUSTERNATOR_E2E_TOOL);
  }
  return runJest(projects, more, workers);
}

const totals = { passed: 0, failed: 0, skipped: 0 };
const summary = [];
for (const lane of lanes) {
  if (wanted.length > 0 && !wanted.includes(lane.name)) continue;
  const reason = lane.without?.();
  if (reason) {
    add(
      lane.name,
      inCi ? { passed: 0, failed: 1, skipped: 0 } : { passed: 0, failed: 0, skipped: 1 },
      `left out: ${reason}`,
    );
    continue;
  }
  console.log(`\n── ${lane.name}: ${lane.about}`);
  const started = performance.now();
  const counts = await lane.run();
  const took = `${((performance.now() - started) / 1000).toFixed(1)} s`;
  const ranNone = counts.passed + counts.failed === 0 && !options.path && !options.name;
  add(lane.name, ranNone ? { ...counts, failed: 1 } : counts, ranNone ? `no test was found, ${took}` : took);
}

console.log('');
for (const line of summary) console.log(line);
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0;

function add(name, counts, remark) {
  for (const key of Object.keys(totals)) totals[key] += counts[key];
  summary.push(`${name.padEnd(18)}${counts.passed} ok, ${counts.failed} not, ${counts.skipped} left out (${remark})`);
}

async function runChecks() {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const [title, command, ...args] of checks) {
    if (options.name && !title.includes(options.name)) continue;
    const started = performance.now();
    const code = await run(command, args);
    counts[code === 0 ? 'passed' : 'failed'] += 1;
    console.log(`${code === 0 ? '✓' : '✗'} ${title} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  }
  return counts;
}

/** A runner that dies before it wrote its results has failed, whatever ran until then. */
async function runJest(projects, more = {}, workers = '2') {
  const folder = mkdtempSync(path.join(tmpdir(), 'clusternator-test-'));
  scratch.push(folder);
  const results = path.join(folder, 'results.json');
  const nodeOptions =
    `${process.env.NODE_OPTIONS ?? ''} --experimental-vm-modules --disable-warning=ExperimentalWarning`.trim();
  const code = await run(
    'jest',
    [
      ...['--selectProjects', ...projects],
      ...['--json', '--outputFile', results],
      ...['--maxWorkers', options.workers ?? workers],
      '--passWithNoTests',
      ...(options.name ? ['--testNamePattern', options.name] : []),
      ...(options.path ? ['--', ...options.path] : []),
    ],
    { NODE_OPTIONS: nodeOptions, ...more },
    'stderr',
  );
  if (!existsSync(results)) return { passed: 0, failed: 1, skipped: 0 };
  const found = JSON.parse(readFileSync(results, 'utf8'));
  // A file that can't even be loaded has no tests to count.
  const failed = found.numFailedTests + found.numRuntimeErrorTestSuites;
  return {
    passed: found.numPassedTests,
    failed: code !== 0 && failed === 0 ? 1 : failed,
    skipped: found.numPendingTests + found.numTodoTests,
  };
}

function run(command, args, more = {}, only) {
  return new Promise((resolve) => {
    const stdout = only === 'stderr' ? 'ignore' : 'inherit';
    const child = spawn(command, args, { cwd: root, env: { ...env, ...more }, stdio: ['ignore', stdout, 'inherit'] });
    child.on('error', (error) => {
      console.error(`${command} could not be started: ${error.message}`);
      resolve(127);
    });
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

function missing(...programs) {
  return () => {
    const absent = programs.filter((program) => spawnSync('which', [program], { env }).status !== 0);
    return absent.length === 0 ? undefined : `${absent.join(' and ')} can't be found`;
  };
}

/** Debian keeps the programs of a server apart from PATH. */
function noDatabases() {
  const versions = '/usr/lib/postgresql';
  const isThere = (version) => existsSync(path.join(versions, version, 'bin', 'pg_amcheck'));
  if (!existsSync(versions) || !readdirSync(versions).some(isThere)) return 'postgresql is not installed';
  return missing('mariadbd')() ?? missing('redis-server')();
}

/** In a name space of its own, which takes the same right. */
function cannotMount() {
  return spawnSync('unshare', ['--mount', 'true'], { env }).status === 0 ? undefined : 'only root may mount';
}

/** XFS and Btrfs, each made in a file. */
function noReflinks() {
  const known = existsSync('/proc/filesystems') ? readFileSync('/proc/filesystems', 'utf8') : '';
  const unknown = ['xfs', 'btrfs'].find((kind) => !known.includes(`\t${kind}\n`));
  if (unknown) return `the kernel has no ${unknown}`;
  return cannotMount() ?? missing('mkfs.xfs')() ?? missing('mkfs.btrfs')();
}

function noEngine() {
  const client = missing('docker')();
  if (client) return client;
  const answer = spawnSync('docker', ['info', '--format', '{{.ServerVersion}}'], {
    env,
    encoding: 'utf8',
    timeout: 20_000,
  });
  return answer.status === 0 ? undefined : 'no Docker Engine answers';
}
