import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** An emulator of AWS that runs. */
export interface Emulator {
  readonly url: string;
  end(): Promise<void>;
}
export type EmulatorName = 'moto' | 'ministack';

const START_MILLISECONDS = 60_000;
const PAUSE_MILLISECONDS = 100;

/** Starts an emulator from PyPI, which has to be on the PATH, with nothing in it. */
export async function startEmulator(name: EmulatorName): Promise<Emulator> {
  const port = await freePort();
  const url = `http://127.0.0.1:${String(port)}`;
  const [program, args, env]: [string, string[], Record<string, string>] =
    name === 'moto'
      ? ['moto_server', ['-H', '127.0.0.1', '-p', String(port)], {}]
      : ['ministack', [], { GATEWAY_PORT: String(port), MINISTACK_ACCOUNT_ID: '123456789012', SERVICES: 's3,route53' }];
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said = `${said}${text.toString()}`.slice(-4000)));
  const ended = once(child, 'exit').catch(() => undefined);
  const until = Date.now() + START_MILLISECONDS;
  for (;;) {
    if (
      await fetch(url).then(
        () => true,
        () => false,
      )
    )
      break;
    if (child.exitCode !== null || Date.now() > until) {
      child.kill('SIGKILL');
      throw new Error(`${program} did not start:\n${said}`);
    }
    await sleep(PAUSE_MILLISECONDS);
  }
  return {
    url,
    async end() {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(late);
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // a TCP server's address is an object
  server.close();
  await once(server, 'close');
  return port;
}
