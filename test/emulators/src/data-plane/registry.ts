import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../free-port.ts';
import { spawnTied } from '../spawn-tied.ts';
import { HOST_FILE } from './scratch.ts';

const START_MILLISECONDS = 30_000;
const PAUSE_MILLISECONDS = 50;

/** A registry that takes pushes, in ECR's place. On loopback an engine asks for no TLS. */
export interface Registry {
  /** `127.0.0.1:<port>` */
  readonly host: string;
  end(): Promise<void>;
}

/** Debian's `docker-registry`. @param folder - For its data. @see https://distribution.github.io/distribution/about/configuration/ */
export async function startRegistry(folder: string): Promise<Registry> {
  const host = `127.0.0.1:${String(await freePort())}`;
  const config = path.join(folder, 'config.json');
  writeFileSync(path.join(folder, HOST_FILE), host);
  // JSON is YAML too.
  writeFileSync(
    config,
    JSON.stringify({
      version: 0.1,
      log: { level: 'error', accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: path.join(folder, 'data') }, delete: { enabled: true } },
      http: { addr: host },
    }),
  );
  const child = spawnTied('docker-registry', ['serve', config], { ...process.env, OTEL_TRACES_EXPORTER: 'none' });
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said = `${said}${text.toString()}`.slice(-4000)));
  const ended = once(child, 'exit').catch(() => undefined);
  const end = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  const until = Date.now() + START_MILLISECONDS;
  while (!(await answers(host))) {
    if (child.exitCode !== null || Date.now() > until) {
      await end();
      throw new Error(`docker-registry did not start:\n${said}`);
    }
    await sleep(PAUSE_MILLISECONDS);
  }
  return { host, end };
}

async function answers(host: string): Promise<boolean> {
  return fetch(`http://${host}/v2/`).then(
    ({ ok }) => ok,
    () => false,
  );
}
