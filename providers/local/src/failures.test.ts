import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import type { Environment, ServiceSpec } from '@clusternator/core/provider';
import { processesMarked } from './daemon/process-table.ts';
import { get, Scene, until } from './testing/environments.ts';
import { HEALTH, SERVER } from './testing/specs.ts';

let scene: Scene;
beforeEach(() => {
  scene = new Scene();
});
afterEach(() => scene[Symbol.asyncDispose]());

const marked = (): number => processesMarked(`${scene.daemon.client.paths.home}:`).length;
const quick = { ...HEALTH, withinSeconds: 1.5 };

async function failure(services: Readonly<Record<string, ServiceSpec>>): Promise<string> {
  const environment = await scene.ensure(scene.specs.environment('aaaaaaaa0000-1', services));
  expect(environment.phase).toBe('failed');
  await until(marked, (count) => count === 0);
  return environment.message ?? '';
}

describe('an environment that can not be made names the service, and why', () => {
  test('it exits again and again: with its last lines', async () => {
    const message = await failure({
      web: scene.specs.web({ program: 'console.log("my last words"); process.exit(4);' }),
    });
    expect(message).toContain('service web exited with code 4');
    expect(message).toContain('| my last words');
  });

  test('its last lines hold no secret, in no file of ours', async () => {
    await using other = new Scene({ KEY: 's3cr3t-of-the-oven' });
    const program = 'console.log(`the key is ${process.env.KEY}!`); process.exit(1);';
    const web = other.specs.web({ program, secrets: { KEY: { name: 'KEY' } } });
    const { message } = await other.ensure(other.specs.environment('aaaaaaaa0000-1', { web }));
    expect(message).toContain('| the key is [secret]!');
    const files = readdirSync(other.daemon.client.paths.folder, { recursive: true, withFileTypes: true });
    const holding = files
      .filter((file) => file.isFile() && !file.isSymbolicLink())
      .filter((file) => readFileSync(path.join(file.parentPath, file.name)).includes('s3cr3t-of-the-oven'));
    expect(holding.map(({ name }) => name)).toEqual([]);
  });

  test('it answers with another status than asked for', async () => {
    const program = SERVER.replace("response.end('content", "response.writeHead(500).end('content");
    const message = await failure({ web: scene.specs.web({ program, health: { ...quick, path: '/x' } }) });
    expect(message).toContain('service web did not become healthy within 1.5 s: GET /x answered 500');
    expect(message).toContain('| listening');
  });

  test('it never listens', async () => {
    const message = await failure({ web: scene.specs.web({ program: 'setInterval(() => {}, 1000)', health: quick }) });
    expect(message).toContain('did not become healthy within 1.5 s: it takes no connections yet');
  });

  test('it listens on a port that nobody told it', async () => {
    const program = "import net from 'node:net'; net.createServer().listen(0, '127.0.0.1');";
    const message = await failure({ web: scene.specs.web({ program, health: quick }) });
    expect(message).toMatch(
      /it listens on 127\.0\.0\.1:\d+, neither on the port in PORT \(\d+\) nor on the declared port 3000/,
    );
  });

  test.each([
    ['nowhere', 'command not found: "nowhere" is in no folder of PATH'],
    ['./nowhere.sh', 'command not found: "./nowhere.sh" is not in the source tree'],
    ['./server.mjs', '"./server.mjs" is not executable'],
    ['./script', '"./script" names an interpreter that is not there'],
  ])('its command is %s', async (command, expected) => {
    const artefact = scene.specs.tree({ 'server.mjs': SERVER, script: '#!/nowhere/interpreter\n' });
    expect(await failure({ web: scene.specs.web({ artefact, command: [command] }) })).toContain(
      `service web: ${expected}`,
    );
  });

  test('its folder is not in the tree, or leads out of it', async () => {
    const message = await failure({ web: scene.specs.web({ workingDir: 'apps/web' }) });
    expect(message).toContain('service web: the source tree has no folder "apps/web"');
    await scene.destroy({ id: 'aaaaaaaa0000-1' });
    expect(await failure({ web: scene.specs.web({ workingDir: '../..' }) })).toContain(
      '"../.." leads out of the source tree',
    );
  });

  test('its install fails: with its last lines, and the command is not started', async () => {
    const artefact = scene.specs.tree({ 'install.mjs': 'console.error("no such package"); process.exit(1)' });
    const install = [process.execPath, 'install.mjs'];
    const message = await failure({ web: scene.specs.web({ artefact, install, command: ['nowhere'] }) });
    expect(message).toContain('service web: its install command exited with code 1');
    expect(message).toContain('| no such package');
    expect(message).not.toContain('nowhere');
  });

  test('a port that is needed at its address is taken by a program that listens everywhere', async () => {
    const taken = createServer().listen(0, '0.0.0.0');
    await once(taken, 'listening');
    const address = taken.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const db = scene.specs.service({ port });
    const message = await failure({ db, web: scene.specs.web({ needs: { db: 'DB' } }) });
    expect(message).toMatch(new RegExp(`service db: port ${String(port)} at 127\\.\\d+\\.\\d+\\.\\d+ is taken`));
    taken.close();
  });

  test('what it needs fails: what waits for it never starts', async () => {
    const message = await failure({
      db: scene.specs.service({ command: ['nowhere'] }),
      web: scene.specs.web({ needs: { db: 'DB' } }),
    });
    expect(message).toContain('service db: command not found');
  });

  test('and destroy leaves nothing of it', async () => {
    await failure({ web: scene.specs.web({ command: ['nowhere'] }) });
    await scene.destroy({ id: 'aaaaaaaa0000-1' });
    expect(await scene.read({ id: 'aaaaaaaa0000-1' })).toBeUndefined();
  });
});

describe('a program that goes its own way is found', () => {
  const listening = (listen: string): string => SERVER.replace(/server\.listen\(.*/, `server.listen(${listen});`);
  const made = (program: string, port: number, id = 'aaaaaaaa0000-1'): Promise<Environment> =>
    scene.ensure(scene.specs.environment(id, { web: scene.specs.web({ program, port, env: { CONTENT: id } }) }));

  test.each([
    ['on its PORT everywhere', 'process.env.PORT'],
    ['on its PORT at localhost', "process.env.PORT, 'localhost'"],
    ['on its PORT at ::1', "process.env.PORT, '::1'"],
    ['on the declared port at its address', 'DECLARED, process.env.HOST'],
    ['on the declared port at 127.0.0.1', "DECLARED, '127.0.0.1'"],
    ['on the declared port everywhere', 'DECLARED'],
  ])('%s', async (_, listen) => {
    const port = 21_000 + Math.floor(Math.random() * 5000); // below those that the system gives out by itself
    const environment = await made(listening(listen.replace('DECLARED', String(port))), port);
    expect(environment).toMatchObject({ phase: 'active' });
    expect((await get(environment)).text).toBe('content of aaaaaaaa0000-1');
    // And at its declared port, where a service that needs it looks for it.
    const direct = await fetch(`http://${environment.address?.value ?? ''}:${String(port)}/`);
    expect(await direct.text()).toBe('content of aaaaaaaa0000-1');
    await get(environment, '/crash').catch(() => undefined);
    await until(
      () => get(environment).catch(() => ({ status: 0 })),
      ({ status }) => status === 200,
    );
  });

  test('another program that has the declared port is not taken for it', async () => {
    const other = createHttpServer((_, response) => response.end('another program')).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const message = await failure({
      web: scene.specs.web({ program: listening(`${String(port)}, '127.0.0.1'`), port }),
    });
    expect(message).toContain('EADDRINUSE');
    other.close();
  });
});
