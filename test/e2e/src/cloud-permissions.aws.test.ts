import { MOTO_ASKS, statementsOf, type Iam } from '@clusternator/emulators/iam';
import { afterEach, expect, test } from '@jest/globals';

import { CloudApp, CONFIG, WITH_SHELL, ZONE } from './cloud-app.ts';
import { Cloud } from './cloud.ts';
import type { ChangeAnswer } from './slot-app.ts';

const USER = 'deployer';
interface Printed {
  readonly permissions: readonly {
    readonly action: string;
    readonly resource: string;
    readonly verbs: readonly string[];
  }[];
}

let cloud: Cloud;
let iam: Iam;
let app: CloudApp;
afterEach(async () => {
  await app.sandbox.dispose();
  await cloud[Symbol.asyncDispose]();
});

/** The user may do what is printed for one command, and nothing else. */
async function allow(printed: Printed, verb: string): Promise<void> {
  const mine = printed.permissions.filter(({ verbs }) => verbs.includes(verb) || verbs.includes('every command'));
  expect(mine).not.toEqual([]);
  await iam.allow(USER, [...statementsOf(mine), ...MOTO_ASKS]);
}

test('each command comes through with what is printed for it and nothing else, and without it is denied', async () => {
  ({ cloud, iam } = await Cloud.openGuarded(ZONE));
  app = await CloudApp.in(cloud, await iam.user(USER, MOTO_ASKS), CONFIG, WITH_SHELL);
  const sha = await app.commit('a');
  const denied = await app.sandbox.json(['foundation', 'create']);
  expect({ exit: denied.outcome.code, code: denied.error?.code }).toEqual({ exit: 12, code: 'denied' });

  const printed = await app.tool<Printed>('provider', 'permissions', 'aws');
  await allow(printed, 'foundation create');
  await app.tool('foundation', 'create');
  await allow(printed, 'env create');
  const [first, second] = [await app.create(sha), await app.create(await app.commit('b'))];
  expect([await app.versionAt(first.url), await app.versionAt(second.url)]).toEqual(['a', 'b']);
  await allow(printed, 'env logs');
  await app.tool('env', 'logs', first.id);
  await allow(printed, 'env exec');
  const ran = await app.sandbox.run(['env', 'exec', first.id, 'web', '--', 'cat', '/www/version.txt']);
  expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 0, stdout: 'a\n' });
  await allow(printed, 'promote');
  const { slot } = await app.tool<ChangeAnswer>('promote', first.id, 'master');
  await app.tool('promote', second.id, 'master');
  await app.follows(slot.url, 'b');
  await allow(printed, 'rollback');
  await app.tool('rollback', 'master');
  await app.follows(slot.url, 'a');
  await allow(printed, 'slot destroy');
  await app.tool('slot', 'destroy', 'master', '--yes');
  await allow(printed, 'env destroy');
  for (const { id } of [first, second]) await app.tool('env', 'destroy', id, '--yes');
  await allow(printed, 'foundation destroy');
  await app.tool('foundation', 'destroy', '--yes');
}, 600_000);
