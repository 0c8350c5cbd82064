#!/usr/bin/env node
// Written for any Node with ES modules, so that an old one gets a sentence and not a syntax error. It imports nothing, since even
// node:fs costs milliseconds when it is imported: docs/decisions/0005-start-up.md.
const WANTED_MAJOR = 24;

if (Number(process.versions.node.split('.')[0]) < WANTED_MAJOR) {
  process.stderr.write(
    `clusternator needs Node.js ${WANTED_MAJOR} or newer, and this is ${process.version} (${process.execPath}).\n` +
      `Get it from https://nodejs.org/en/download, or with a version manager: nvm install ${WANTED_MAJOR}, fnm install ${WANTED_MAJOR}.\n` +
      `In one project alone: npm install --save-dev node@${WANTED_MAJOR}, then npx clusternator.\n`,
  );
  process.exitCode = 2;
} else {
  const argv = process.argv.slice(2);
  const { join } = process.getBuiltinModule('node:path');
  const root = join(import.meta.dirname, '..');
  if (argv.length === 1 && argv[0] === '--version') {
    const { readFileSync } = process.getBuiltinModule('node:fs');
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    process.stdout.write(`clusternator/${version} ${process.platform}-${process.arch} node-${process.version}\n`);
  } else {
    const { createRequire, enableCompileCache } = process.getBuiltinModule('node:module');
    const { existsSync } = process.getBuiltinModule('node:fs');
    const { env } = process;
    const program = join(root, 'dist', 'cli.cjs');
    // Not Node's default under the shared temporary folder, where another user could leave code for us.
    const caches = env.XDG_CACHE_HOME?.startsWith('/') ? env.XDG_CACHE_HOME : join(env.HOME ?? root, '.cache');
    enableCompileCache(env.NODE_COMPILE_CACHE || join(caches, 'clusternator', 'compiled'));
    if (existsSync(program)) {
      await createRequire(import.meta.url)(program).start(argv, root);
    } else {
      process.stderr.write(`${program} is missing. In a clone, make it with: npm run build\n`);
      process.exitCode = 1;
    }
  }
}
