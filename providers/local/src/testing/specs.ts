import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type {
  Call,
  EnvironmentSpec,
  FilesArtefact,
  HealthCheck,
  Host,
  Secret,
  ServiceSpec,
  SiteSpec,
} from '@clusternator/core/provider';

export const HEALTH: HealthCheck = {
  path: '/',
  statusFrom: 200,
  statusTo: 299,
  everySeconds: 1,
  withinSeconds: 20,
  healthyAfter: 1,
};

/** A server that answers with its commit, and tells what it was given. */
export const SERVER = `
import http from 'node:http';
const server = http.createServer((request, response) => {
  if (request.url === '/env') return response.end(JSON.stringify(process.env));
  if (request.url === '/pid') return response.end(String(process.pid));
  if (request.url === '/crash') process.exit(3);
  response.end('content of ' + process.env.CONTENT);
});
server.listen(Number(process.env.PORT), process.env.HOST, () => console.log('listening'));
`;

let trees = 0;

/** Source trees as core's store would give them, and the specs made of them. */
export class Specs {
  readonly #folder: string;

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#folder = mkdtempSync(path.join(folder, 'artefacts-'));
  }

  tree(files: Readonly<Record<string, string>>): FilesArtefact {
    const digest = `tree-${String(trees++)}`;
    for (const [name, content] of Object.entries(files)) {
      const file = path.join(this.#folder, digest, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, content, { mode: content.startsWith('#!') ? 0o755 : 0o644 });
    }
    return { kind: 'files', digest, bytes: 0 };
  }

  folderOf(artefact: FilesArtefact): string {
    return path.join(this.#folder, artefact.digest);
  }

  /** A Node program with a port and a health check, unless told otherwise. */
  service(spec: Partial<ServiceSpec> & { readonly program?: string } = {}): ServiceSpec {
    const { program = SERVER, ...rest } = spec;
    return {
      artefact: this.tree({ 'server.mjs': program }),
      command: [process.execPath, 'server.mjs'],
      protocol: 'http',
      env: {},
      secrets: {},
      needs: {},
      mounts: {},
      cpus: 1,
      memoryMiB: 128,
      instances: { min: 1, max: 1 },
      ...rest,
    };
  }

  web(spec: Partial<ServiceSpec> & { readonly program?: string } = {}): ServiceSpec {
    return this.service({ port: 3000, route: '/', health: HEALTH, ...spec });
  }

  environment(
    id: string,
    services: Readonly<Record<string, ServiceSpec>>,
    sites: Readonly<Record<string, SiteSpec>> = {},
  ): EnvironmentSpec {
    const label = id.slice(0, 8);
    return {
      id,
      fingerprint: `fingerprint-${id}`,
      tags: { clusternator_id: id },
      hosts: [`${label}--shop.localhost`],
      services,
      sites,
    };
  }
}

/** What core gives to a driver, as far as this provider uses it. */
export function testHost(
  specs: Specs,
  env: Readonly<Record<string, string | undefined>>,
  secrets: Readonly<Record<string, string>> = {},
  project = 'shop',
): Host & { close(): Promise<void> } {
  const ends: (() => void | Promise<void>)[] = [];
  return {
    project,
    stage: 'default',
    fetch,
    env,
    now: () => new Date(),
    sleep: (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000)),
    pace: () => Promise.resolve(),
    log: () => undefined,
    name: (words) => words.join('-'),
    identify: () => undefined,
    reveal: (secret: Secret) => Promise.resolve(secrets[secret.name] ?? ''),
    folder: (artefact) => Promise.resolve(specs.folderOf(artefact)),
    onClose: (end) => {
      ends.push(end);
    },
    merge: (request, native) => Object.assign({}, request, native),
    async close() {
      for (const end of ends) await end();
    },
  };
}

export function testCall(signal: AbortSignal = AbortSignal.timeout(60_000)): Call {
  return {
    signal,
    deadline: new Date(Date.now() + 60_000),
    operation: 'test',
    token: () => 'token',
    progress: () => undefined,
  };
}
