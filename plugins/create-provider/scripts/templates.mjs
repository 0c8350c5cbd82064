/**
 * Makes the templates of a new provider from the conformance kit's memory provider, the worked example that passes everything, and puts the
 * contract's own comments above the methods that it asks for. So what is generated can't fall behind either.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..', '..', '..');
const memory = path.join(root, 'test', 'conformance', 'src', 'memory');
const target = path.join(import.meta.dirname, '..', 'templates');

/** What stands in for the cloud, apart from the provider itself. */
const STAND_IN = ['cloud.ts', 'edge.ts', 'machine.ts', 'zone.ts', 'zones.ts'];
/** Where the contract has the methods of a driver's file; what is found first counts. */
const CONTRACT = {
  'environments.ts': ['environment/environment.ts', 'provider/resource.ts'],
  'slots.ts': ['slot/slot.ts', 'provider/resource.ts'],
  'storage.ts': ['storage/storage.ts', 'provider/resource.ts'],
  'things.ts': ['provider/resource.ts'],
  'dns.ts': ['dns/dns.ts'],
  'state.ts': ['state/store.ts'],
};

await rm(target, { recursive: true, force: true });
const files = (await readdir(memory)).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
for (const file of files) {
  const text = await readFile(path.join(memory, file), 'utf8');
  const place = STAND_IN.includes(file)
    ? `stand-in/${file}`
    : ({ 'harness.ts': 'conformance.ts', 'provider.ts': 'index.ts' }[file] ?? file);
  const out = path.join(target, place);
  await mkdir(path.dirname(out), { recursive: true });
  await writeFile(out, await explained(file, moved(file, text)));
}

function moved(file, text) {
  const lines = text
    .replaceAll(/'\.\.\/(?:kit|proxy)\/[a-z-]+\.ts'/g, "'@clusternator/conformance'")
    .replaceAll("'./provider.ts'", "'./index.ts'");
  if (file === 'provider.ts') return `${lines.trimEnd()}\n\nexport default memoryProvider;\n`;
  return STAND_IN.includes(file)
    ? lines
    : lines.replaceAll(/'\.\/(cloud|edge|machine|zone)\.ts'/g, "'./stand-in/$1.ts'");
}

/** Above each method that has no comment of its own. */
async function explained(file, text) {
  const comments = new Map();
  for (const source of CONTRACT[file] ?? []) {
    const contract = await readFile(path.join(root, 'core', 'src', source), 'utf8');
    const methods = /^ {2}(\/\*\*(?:(?!\*\/)[^])*\*\/)\n {2}(\w+)\??\(/gm;
    for (const [, comment, name] of contract.matchAll(methods)) if (!comments.has(name)) comments.set(name, comment);
  }
  return text.replaceAll(/(\*\/\n)?^ {2}(?:async )?\*?(\w+)\((?:(?!\n\n)[^])*?\{$/gm, (method, own, name) => {
    const comment = own === undefined ? comments.get(name) : undefined;
    return comment === undefined ? method : `  ${comment}\n${method}`;
  });
}

await writeFile(
  path.join(target, 'stand-in.ts'),
  `import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MemoryCloud } from './stand-in/cloud.ts';

/** Runs the stand-in until it is told to end, and prints the line of a config for it. */
const folder = mkdtempSync(path.join(tmpdir(), 'memory-stand-in-'));
const cloud = new MemoryCloud(folder);
const { url, edgePort } = await cloud.start();
process.stdout.write(\`provider: \${JSON.stringify({ name: 'memory', endpoint: url, edgePort })}\\n\`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void cloud.stop().finally(() => {
      rmSync(folder, { recursive: true, force: true });
      process.exit();
    });
  });
}
`,
);
