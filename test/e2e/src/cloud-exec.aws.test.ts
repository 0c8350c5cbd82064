import { afterEach, expect, test } from '@jest/globals';

import { CloudApp, CONFIG, WITH_SHELL } from './cloud-app.ts';
import { CloudCommands } from './cloud-commands.ts';
import { eventually } from './http.ts';
import type { ChangeAnswer } from './slot-app.ts';

/** It says in the container that it ran. */
const MIGRATE = '{ service: web, expand: [sh, -c, "cat /www/version.txt >>/migrated; test ! -e /fail"] }';
const WITH_MIGRATION = CONFIG.replace('standbys: 1', `standbys: 1, migrate: ${MIGRATE}`);

let app: CloudApp;
afterEach(() => app[Symbol.asyncDispose]());

test('commands run in the containers of a commit, with their input, output and exit code; what is cut off harms nothing', async () => {
  app = await CloudApp.open('moto', CONFIG, WITH_SHELL);
  const commands = new CloudCommands(app);
  const made = await app.create(await app.commit('a'));
  expect(await commands.run(made.id, ['cat', '/www/version.txt'])).toEqual({ code: 0, stdout: 'a\n' });
  expect(await commands.run(made.id, ['sh', '-c', 'printf "%s|" "$@"; exit 7', 'sh', 'a  b', "it's"])).toEqual({
    code: 7,
    stdout: "a  b|it's|",
  });
  const text = 'a line of input\n'.repeat(3000);
  expect(await commands.run(made.id, ['cat'], text)).toEqual({ code: 0, stdout: text });
  const { exit, data } = await commands.asJson(made.id, ['sh', '-c', 'echo out; echo err >&2; exit 3']);
  expect({ exit, data }).toEqual({ exit: 3, data: { exitCode: 3, output: 'out\nerr\n' } });

  const killed = await commands.begun(made.id, (child) => child.kill('SIGKILL'));
  expect(killed.signal).toBe('SIGKILL');
  const cut = await commands.begun(made.id, () => app.cloud.plane.cutSessions());
  expect(cut.code).toBe(1);
  expect(cut.stderr).toContain('the connection was lost');
  // Until ECS ends them they run on, beside what else is done there.
  expect(await commands.sleepers(made.id)).toBe(2);
  expect(await app.versionAt(made.url)).toBe('a');
  await app.cloud.plane.endIdleSessions();
  expect(await commands.sleepers(made.id)).toBe(0);

  await app.account.stopAll();
  await eventually(async () => {
    const none = await commands.asJson(made.id, ['true']);
    expect(none).toMatchObject({ exit: 4, error: { code: 'conflict' } });
  });
  await app.tool('env', 'destroy', made.id, '--yes');
  await app.tool('foundation', 'destroy', '--yes');
}, 600_000);

test('a promotion migrates in the candidate’s container before traffic moves, and a migration that fails moves none', async () => {
  app = await CloudApp.open('ministack', WITH_MIGRATION, WITH_SHELL);
  const commands = new CloudCommands(app);
  const [first, second] = [await app.create(await app.commit('a')), await app.create(await app.commit('b'))];
  const { slot } = await app.tool<ChangeAnswer>('promote', first.id, 'master');
  await app.follows(slot.url, 'a');
  expect(await commands.run(first.id, ['cat', '/migrated'])).toEqual({ code: 0, stdout: 'a\n' });

  expect((await commands.run(second.id, ['touch', '/fail'])).code).toBe(0);
  const failed = await app.sandbox.json(['promote', second.id, 'master']);
  expect({ exit: failed.outcome.code, code: failed.error?.code }).toEqual({ exit: 5, code: 'unhealthy' });
  expect(failed.error?.message).toContain('expand');
  await app.follows(slot.url, 'a');
  expect((await commands.run(second.id, ['rm', '/fail'])).code).toBe(0);
  await app.tool('promote', second.id, 'master');
  await app.follows(slot.url, 'b');
  expect(await commands.run(second.id, ['cat', '/migrated'])).toEqual({ code: 0, stdout: 'b\nb\n' });
}, 600_000);
