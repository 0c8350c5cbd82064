import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { killAtWrite, type EnvironmentAnswer } from './cli.ts';
import { eventually, get } from './http.ts';
import { fileLeftovers, processesOf } from './leftovers.ts';
import { Sandbox } from './sandbox.ts';
import { SlotLibrary } from './slot-library.ts';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => sandbox.dispose());

async function services(): Promise<readonly number[]> {
  return (await processesOf(sandbox.stateHome))
    .filter(({ command }) => command.includes('server.mjs'))
    .map(({ pid }) => pid);
}

async function daemon(): Promise<number | undefined> {
  const all = await processesOf(sandbox.stateHome);
  return all.find(({ command }) => command.includes('daemon'))?.pid;
}

async function resumeAll(judge: SlotLibrary): Promise<void> {
  for (const { id } of await judge.look<readonly { id: string }[]>('unfinished')) {
    const { outcome, error } = await sandbox.json(['op', 'resume', id]);
    expect({ exit: outcome.code, error }).toEqual({ exit: 0, error: undefined });
  }
}

describe('the command is killed at each of its writes to the journal', () => {
  // The two ways to go on take turns with the writes, so that together they try each.
  test.each([
    ['op resume', 1],
    ['the same command again', 2],
  ])(
    'of create, and %s ends in one ready environment',
    async (how, from) => {
      const { commits } = await sandbox.repository('node-service', ['first']);
      const sha = commits[0]!;
      const judge = new SlotLibrary(sandbox); // what is not killed needs no start-up of a command
      let kills = 0;
      for (let n = from; n < 100; n += 2) {
        const killer = killAtWrite(n, path.join(sandbox.stateHome, 'projects', `${sandbox.project}--default`));
        const { signal } = await sandbox.run(['env', 'create', '--sha', sha], {
          onStart: (child) => killer.onStart(child),
        });
        killer.stop();
        if (signal === null) break;
        kills += 1;
        if (how === 'op resume') await resumeAll(judge);
        const environment = await sandbox.create('--sha', sha);
        expect(JSON.parse((await get(environment.url)).body)).toMatchObject({ version: 'first' });
        expect(await services()).toHaveLength(1);
        expect(await judge.look('environments')).toHaveLength(1);
        await judge.move('destroy', { environment: environment.id });
        expect(await services()).toEqual([]);
        expect(await fileLeftovers(sandbox.stateHome)).toEqual([]);
      }
      expect(kills).toBeGreaterThan(4);
      await judge[Symbol.asyncDispose]();
      await sandbox.expectNothingIsLeft();
    },
    600_000,
  );

  test('of destroy, and the same command again leaves nothing', async () => {
    const { commits } = await sandbox.repository('node-service', ['first']);
    const sha = commits[0]!;
    const maker = new SlotLibrary(sandbox);
    let kills = 0;
    for (let n = 1; n < 60; n += 1) {
      await maker.move('create', { commit: sha });
      const killer = killAtWrite(n, path.join(sandbox.stateHome, 'projects', `${sandbox.project}--default`));
      const { signal } = await sandbox.run(['env', 'destroy', sha, '--yes'], {
        onStart: (child) => killer.onStart(child),
      });
      killer.stop();
      if (signal === null) break;
      kills += 1;
      await sandbox.destroy(sha);
      expect(await services()).toEqual([]);
      expect(await fileLeftovers(sandbox.stateHome)).toEqual([]);
    }
    expect(kills).toBeGreaterThan(2);
    await maker[Symbol.asyncDispose]();
    await sandbox.expectNothingIsLeft();
  }, 600_000);
});

describe('the daemon is killed', () => {
  test('while an environment is made: the create that is under way, or one again, ends ready, with one of everything', async () => {
    const { commits } = await sandbox.repository('node-service', ['warm', 'first']);
    await sandbox.create('--sha', commits[0]!);
    for (const afterMs of [50, 150, 250, 400, 600, 900]) {
      const creating = sandbox.json<{ environment: EnvironmentAnswer }>(['env', 'create', '--sha', commits[1]!]);
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      const pid = await daemon();
      if (pid) process.kill(pid, 'SIGKILL');
      await creating;
      const environment = await sandbox.create('--sha', commits[1]!);
      expect(JSON.parse((await get(environment.url)).body)).toMatchObject({ version: 'first' });
      await eventually(async () => expect(await services()).toHaveLength(2));
      await sandbox.destroy(environment.id);
    }
    await sandbox.expectNothingIsLeft();
  }, 300_000);

  test('the next command starts it again, and each process once', async () => {
    const { commits } = await sandbox.repository('node-service', ['first', 'second']);
    const made = [await sandbox.create('--sha', commits[0]!), await sandbox.create('--sha', commits[1]!)];
    for (let round = 0; round < 3; round += 1) {
      const pid = await daemon();
      expect(pid).toBeDefined();
      process.kill(pid!, 'SIGKILL');
      await sandbox.run(['env', 'show', made[0]!.id]);
      for (const [index, { url }] of made.entries()) {
        await eventually(async () =>
          expect(JSON.parse((await get(url)).body)).toMatchObject({ version: ['first', 'second'][index] }),
        );
      }
      await eventually(async () => expect(await services()).toHaveLength(2));
    }
    await sandbox.expectNothingIsLeft();
  }, 300_000);

  test('a restart of the machine is recovered from by one command', async () => {
    const { commits } = await sandbox.repository('shop', ['1.0.1']);
    const config = ['--config', 'clusternator.no-engine.config.yaml'];
    const { id, url } = await sandbox.create('--sha', commits[0]!, ...config);
    await get(`${url}/api/purchases`, { method: 'POST', body: JSON.stringify({ product: 1 }) });
    for (const { pid } of await processesOf(sandbox.stateHome)) process.kill(pid, 'SIGKILL');
    await eventually(async () => expect(await processesOf(sandbox.stateHome)).toEqual([]));

    await sandbox.run(['env', 'show', id]);
    await eventually(async () => expect((await get(url)).body).toContain('Shop 1.0.1'));
    // Volumes outlive it.
    await eventually(async () => expect(JSON.parse((await get(`${url}/api/purchases`)).body)).toHaveLength(1));
    await sandbox.expectNothingIsLeft();
  }, 180_000);
});
