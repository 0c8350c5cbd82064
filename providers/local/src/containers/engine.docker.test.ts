import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ContainerRuntime } from './runtime.ts';
import { EngineLine } from './testing/engine-line.ts';
import { eventually, harness, type Harness } from './testing/harness.ts';

const signal = new AbortController().signal;
const runtimeAt = (dockerHost: string, callTimeoutSeconds = 30) =>
  new ContainerRuntime({ home: 'abcd', env: { DOCKER_HOST: dockerHost }, callTimeoutSeconds });

describe('an engine', () => {
  test('that answers tells its version', async () => {
    const runtime = new ContainerRuntime({ home: 'abcd', env: process.env });
    expect(await runtime.available(signal)).toMatchObject({ ok: true, version: expect.stringMatching(/^\d+\./) });
  });

  test.each([
    [
      'no socket',
      `unix://${join(tmpdir(), 'no-such.sock')}`,
      /no Docker Engine answers at .*no-such.sock/,
      /start the Docker Engine/,
    ],
    ['no listener', 'tcp://127.0.0.1:1', /no Docker Engine answers/, /start the Docker Engine/],
    ['another machine', 'tcp://engine.example:2375', /another machine: engine.example:2375/, /unset DOCKER_HOST/],
    ['ssh', 'ssh://localhost', /another machine/, /unset DOCKER_HOST/],
    ['no address', 'http://', /not the address of an engine/, /unix:/],
    ['no certificates', 'tcp://127.0.0.1:2376', /certificates in .none/, /ca.pem/],
  ])('with %s says so, and what to do', async (_, dockerHost, reason, hint) => {
    const runtime = new ContainerRuntime({ home: 'abcd', env: { DOCKER_HOST: dockerHost, DOCKER_CERT_PATH: '/none' } });
    const answer = await runtime.available(signal);
    expect(answer).toEqual({ ok: false, reason: expect.stringMatching(reason), hint: expect.stringMatching(hint) });
  });

  test.each([
    ['is too old', { Version: '19.03', ApiVersion: '1.40', Os: 'linux' }, /API 1.40, older than 1.41/],
    ['runs other containers', { Version: '29', ApiVersion: '1.52', Os: 'windows' }, /windows containers/],
  ])('that %s will not do', async (_, version, reason) => {
    const server = createServer((_request, response) => response.end(JSON.stringify(version)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    // A server that listens on TCP has such an address.
    const { port } = server.address() as AddressInfo;
    const runtime = runtimeAt(`tcp://127.0.0.1:${port}`);
    expect(await runtime.available(signal)).toMatchObject({ ok: false, reason: expect.stringMatching(reason) });
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('an engine that fails', () => {
  let line: EngineLine;
  let h: Harness;
  beforeAll(async () => {
    line = await EngineLine.open();
    h = await harness({ dockerHost: line.dockerHost, callTimeoutSeconds: 1, resyncSeconds: 1 });
  });
  beforeEach(async () => {
    await line.cut();
    await line.restore();
  });
  afterAll(async () => {
    await h.close();
    await line.close();
  });

  test('by hanging is told after the time-out', async () => {
    line.hold();
    await expect(h.runtime.inspect('clusternator-none', h.signal)).rejects.toMatchObject({
      code: 'timeout',
      effect: 'unknown',
      message: expect.stringContaining('did not answer within 1 s'),
    });
    expect(await h.runtime.available(h.signal)).toMatchObject({
      ok: false,
      hint: expect.stringContaining('docker ps'),
    });
  });

  test('by hanging is not waited for once the signal aborts', async () => {
    const patient = runtimeAt(line.dockerHost, 600);
    await patient.available(h.signal);
    line.hold();
    const controller = new AbortController();
    const call = patient.ensureNetwork({ environment: 'none-1', tags: {} }, controller.signal);
    setTimeout(() => controller.abort(), 50);
    await expect(call).rejects.toMatchObject({ code: 'cancelled', effect: 'unknown' });
  });

  test('by a deadline is a time-out', async () => {
    line.hold();
    await expect(h.runtime.list({}, AbortSignal.timeout(50))).rejects.toMatchObject({ code: 'timeout' });
  });

  test('while a container is made leaves what the next call finishes, once', async () => {
    const spec = h.spec({ service: 'interrupted', env: { TOKEN: 'hush-hush' } });
    const before = line.requests.length;
    const making = h.runtime.ensure(spec, h.signal);
    await eventually(
      () => line.requests.slice(before),
      (requests) => requests.some((text) => text.includes('/containers/create')),
    );
    await line.cut();
    await expect(making).rejects.toMatchObject({ code: 'unavailable' });
    await expect(h.runtime.ensure(spec, h.signal)).rejects.toMatchObject({ code: 'unavailable', effect: 'none' });
    await line.restore();
    expect(await h.runtime.ensure(spec, h.signal)).toMatchObject({ state: 'running' });
    expect(await h.runtime.list({}, h.signal)).toHaveLength(1);
    expect(line.requests.join('\n')).not.toContain('hush-hush');
    await h.runtime.remove(h.nameOf(spec), 0, h.signal);
  });

  test('is waited for by who follows a log', async () => {
    const spec = h.script('i=0; while :; do echo $i; i=$((i+1)); sleep 0.02; done', { service: 'followed' });
    await h.runtime.ensure(spec, h.signal);
    const seen: string[] = [];
    for await (const { text } of h.runtime.logs(h.nameOf(spec), { follow: true }, h.signal)) {
      seen.push(text);
      if (seen.length === 30) {
        await line.cut();
        setTimeout(() => void line.restore(), 400);
      }
      if (seen.length === 100) break;
    }
    expect(seen).toEqual(Array.from({ length: 100 }, (_, index) => String(index)));
    await h.runtime.remove(h.nameOf(spec), 0, h.signal);
  });

  test('breaks off commands, which is told', async () => {
    const spec = h.spec({ service: 'commanded' });
    await h.runtime.ensure(spec, h.signal);
    const session = await h.runtime.exec(h.nameOf(spec), { command: ['sleep', '1000'] }, h.signal);
    await line.cut();
    await expect(session.exitCode).rejects.toMatchObject({ code: 'unavailable' });
    await line.restore();
    await h.runtime.remove(h.nameOf(spec), 0, h.signal);
  });

  test('and comes back is told to who watches, with what changed meanwhile', async () => {
    const stays = h.spec({ service: 'stays' });
    const goes = h.spec({ service: 'goes' });
    const comes = h.spec({ service: 'comes' });
    await h.runtime.ensure(stays, h.signal);
    await h.runtime.ensure(goes, h.signal);
    const changed: string[] = [];
    const reasons: string[] = [];
    let back = 0;
    const controller = new AbortController();
    const watching = h.runtime.watch(
      {
        expected: () => ['went-before-anybody-watched'],
        onChange: (name) => changed.push(name),
        onUnavailable: (reason) => reasons.push(reason),
        onAvailable: () => back++,
      },
      controller.signal,
    );
    await eventually(
      () => changed,
      (names) => names.includes(h.nameOf(stays)) && names.includes(h.nameOf(goes)),
    );
    expect(changed).toContain('went-before-anybody-watched');
    changed.length = 0;

    await line.cut();
    await eventually(
      () => reasons,
      (found) => found.length === 1,
    );
    const aside = new ContainerRuntime({ home: h.home, env: process.env });
    await aside.remove(h.nameOf(goes), 0, h.signal);
    await aside.ensure(comes, h.signal);
    await h.docker.getContainer(h.nameOf(stays)).restart({ t: 0 });
    await line.restore();
    await eventually(
      () => back,
      (count) => count === 1,
    );
    expect(new Set(changed)).toEqual(new Set([...[stays, comes, goes].map(h.nameOf), 'went-before-anybody-watched']));

    line.hold();
    await eventually(
      () => reasons,
      (found) => found.length === 2,
    );
    await line.cut();
    await line.restore();
    await eventually(
      () => back,
      (count) => count === 2,
    );
    changed.length = 0;
    await aside.stop(h.nameOf(stays), 0, h.signal);
    await eventually(
      () => changed,
      (names) => names.includes(h.nameOf(stays)),
    );

    controller.abort();
    await watching;
  });
});
