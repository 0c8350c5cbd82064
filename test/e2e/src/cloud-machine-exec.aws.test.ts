import { afterEach, expect, test } from '@jest/globals';

import { CloudApp, COMMANDS, PROGRAM } from './cloud-app.ts';
import { CloudCommands } from './cloud-commands.ts';
import type { ChangeAnswer } from './slot-app.ts';

const SECRET = 'the key of the shop';
/** It says beside the program that it ran, and with what. */
const MIGRATE =
  '{ service: web, expand: [sh, -c, "echo \\"$(cat www/version.txt) $KEY\\" >>migrated.txt; test ! -e fail"] }';
const CONFIG = COMMANDS.replace('env: {', 'secrets: [KEY], env: {').replace(
  'standbys: 1',
  `standbys: 1, migrate: ${MIGRATE}`,
);

let app: CloudApp;
let commands: CloudCommands;
afterEach(() => app[Symbol.asyncDispose]());

// MiniStack's Auto Scaling groups keep no machines.
test('on moto: commands run on the machines of a commit as its service does, and a promotion migrates there; what is cut off is ended', async () => {
  app = await CloudApp.open('moto', CONFIG, PROGRAM);
  app.sandbox.env.KEY = SECRET;
  commands = new CloudCommands(app);
  const [first, second] = [await app.create(await app.commit('a')), await app.create(await app.commit('b'))];
  const about = 'id -un; pwd; echo "$KEY $GREETING"; cat www/version.txt; printf "%s|" "$@"; exit 7';
  expect(await commands.run(first.id, ['sh', '-c', about, 'sh', 'a  b', "it's", '$KEY'])).toEqual({
    code: 7,
    stdout: `clusternator\n/opt/clusternator/source\n${SECRET} hello\na\na  b|it's|$KEY|`,
  });
  const text = 'a line of input\n'.repeat(3000);
  expect(await commands.run(first.id, ['cat'], text)).toEqual({ code: 0, stdout: text });
  const { exit, data } = await commands.asJson(first.id, ['sh', '-c', 'echo out; echo err >&2; exit 3']);
  expect({ exit, data }).toEqual({ exit: 3, data: { exitCode: 3, output: 'out\nerr\n' } });

  const cut = await commands.begun(first.id, () => app.cloud.plane.cutSessions());
  expect(cut.code).toBe(1);
  expect(cut.stderr).toContain('the connection was lost');
  const stopped = await commands.begun(first.id, (child) => child.kill('SIGINT'));
  expect(stopped.code).toBe(130);
  expect(await commands.sleepers(first.id)).toBe(0);
  const killed = await commands.begun(first.id, (child) => child.kill('SIGKILL'));
  expect(killed.signal).toBe('SIGKILL');
  // Until AWS ends it, it runs on.
  expect(await commands.sleepers(first.id)).toBeGreaterThan(0);
  await app.cloud.plane.endIdleSessions();
  expect(await commands.sleepers(first.id)).toBe(0);
  expect(await app.versionAt(first.url)).toBe('a');

  const { slot } = await app.tool<ChangeAnswer>('promote', first.id, 'master');
  await app.follows(slot.url, 'a');
  expect((await commands.run(first.id, ['cat', 'migrated.txt'])).stdout).toBe(`a ${SECRET}\n`);
  expect((await commands.run(second.id, ['touch', 'fail'])).code).toBe(0);
  const failed = await app.sandbox.json(['promote', second.id, 'master']);
  expect({ exit: failed.outcome.code, code: failed.error?.code }).toEqual({ exit: 5, code: 'unhealthy' });
  await app.follows(slot.url, 'a');
  expect((await commands.run(second.id, ['rm', 'fail'])).code).toBe(0);
  await app.tool('promote', second.id, 'master');
  await app.follows(slot.url, 'b');
  expect((await commands.run(second.id, ['cat', 'migrated.txt'])).stdout).toBe(`b ${SECRET}\n`.repeat(2));

  await app.tool('rollback', 'master');
  await app.tool('slot', 'destroy', 'master', '--yes');
  await app.tool('env', 'destroy', second.id, '--yes');
  const gone = await commands.asJson(second.id, ['true']);
  expect(gone.error?.code).toBe('not-found');
  expect(app.cloud.plane.machines()).toHaveLength(1);
}, 900_000);
