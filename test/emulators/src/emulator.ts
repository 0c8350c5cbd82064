import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { spawnTied } from './spawn-tied.ts';

/** An emulator of AWS that runs. */
export interface Emulator {
  readonly url: string;
  end(): Promise<void>;
}
export type EmulatorName = 'moto' | 'ministack';

const START_MILLISECONDS = 60_000;
const PAUSE_MILLISECONDS = 100;

/** What MiniStack loads unless told otherwise: it takes seconds and memory by the service. */
const FEW_SERVICES = ['s3', 'route53', 'ec2', 'elasticfilesystem', 'rds', 'sts'];

/**
 * Starts an emulator from PyPI, which has to be on the PATH, with nothing in it. It ends with this process, whatever way that goes.
 * @param services - What MiniStack loads, by its names; moto always has all. With ECS among them MiniStack gets no Docker Engine to reach:
 * it would start containers of its own there, neither replace them nor ask after their health, and the data plane beside this does.
 * @param settings - More of its variables.
 */
export async function startEmulator(
  name: EmulatorName,
  services: 'all' | readonly string[] = FEW_SERVICES,
  settings: Readonly<Record<string, string>> = {},
): Promise<Emulator> {
  const port = await freePort();
  const url = `http://127.0.0.1:${String(port)}`;
  const [program, args, env] = name === 'moto' ? moto(port) : ministack(port, services);
  const child = spawnTied(program, args, { ...process.env, ...env, ...settings });
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

type Start = readonly [program: string, args: readonly string[], env: NodeJS.ProcessEnv];

/** Without the first no service of ECS ever has a task, and who waits for one waits for ever. A certificate is issued after the second, a minute otherwise. */
function moto(port: number): Start {
  return [
    'moto_server',
    ['-H', '127.0.0.1', '-p', String(port)],
    { MOTO_ECS_SERVICE_RUNNING: '2', MOTO_ACM_VALIDATION_WAIT: '1' },
  ];
}

function ministack(port: number, services: 'all' | readonly string[]): Start {
  const env = { GATEWAY_PORT: String(port), MINISTACK_ACCOUNT_ID: '123456789012' };
  if (services !== 'all' && !services.includes('ecs'))
    return ['ministack', [], { ...env, SERVICES: services.join(',') }];
  const noEngine = { DOCKER_HOST: `unix://${path.join(tmpdir(), 'no-docker-engine.sock')}` };
  return ['ministack', [], { ...env, ...noEngine, ...(services === 'all' ? {} : { SERVICES: services.join(',') }) }];
}
