import assert from 'node:assert/strict';
import type { EmulatorName } from '@clusternator/emulators/emulator';
import type { UserKeys } from '@clusternator/emulators/iam';
import { loadDuring } from '@clusternator/emulators/traffic';

import { AwsCli } from './aws-cli.ts';
import { ensureBaseImage } from './base-image.ts';
import type { EnvironmentAnswer } from './cli.ts';
import { Cloud } from './cloud.ts';
import { eventually } from './http.ts';
import { installProvider } from './install-provider.ts';
import type { TestRepository } from './repository.ts';
import { Sandbox } from './sandbox.ts';

export const ZONE = 'shop.example';
/** One service of an image that tells its version, and a slot. */
export const CONFIG = `project: PROJECT
provider: { name: aws, region: us-east-1 }
domain: ${ZONE}
services:
  web: { build: ., port: 8080, route: /, health: { path: /ready } }
slots:
  master: { standbys: 1 }
`;
export const IMAGE_FILES = {
  Dockerfile: `FROM clusternator/example-base:1
COPY www /www
EXPOSE 8080
STOPSIGNAL SIGKILL
CMD ["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/www"]
`,
  '.gitignore': 'node_modules/\n',
  'www/ready': '',
};

/** The same, in which commands can be run. */
export const WITH_SHELL = {
  ...IMAGE_FILES,
  Dockerfile: IMAGE_FILES.Dockerfile.replace('COPY', 'RUN ["/bin/busybox", "--install", "-s", "/bin"]\nCOPY'),
};

/** Without an image. */
export const COMMANDS = CONFIG.replace(
  'build: ., port',
  'install: node install.mjs, command: node server.mjs, env: { GREETING: hello }, port',
);
/** Answers with its version, and with a greeting elsewhere. */
export const PROGRAM = {
  '.gitignore': 'node_modules/\n',
  'install.mjs': `import { copyFileSync } from 'node:fs';
copyFileSync('www/version.txt', 'installed.txt');
`,
  'server.mjs': `import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
const version = readFileSync('installed.txt', 'utf8').trim();
createServer((request, response) => {
  response.end(request.url === '/version.txt' ? version : process.env.GREETING);
}).listen(Number(process.env.PORT), process.env.HOST);
`,
};

/** A project in an account of its own. */
export class CloudApp {
  readonly cloud: Cloud;
  readonly sandbox: Sandbox;
  readonly repository: TestRepository;
  readonly account: AwsCli;

  private constructor(cloud: Cloud, sandbox: Sandbox, repository: TestRepository) {
    this.cloud = cloud;
    this.sandbox = sandbox;
    this.repository = repository;
    this.account = new AwsCli(cloud.plane, sandbox.project);
  }

  static async open(
    name: EmulatorName,
    config = CONFIG,
    files: Readonly<Record<string, string>> = IMAGE_FILES,
  ): Promise<CloudApp> {
    return CloudApp.in(await Cloud.open(name, ZONE), undefined, config, files);
  }

  /** @param keys - Of the user whose machine it is. Left out: of somebody. */
  static async in(
    cloud: Cloud,
    keys?: UserKeys,
    config = CONFIG,
    files: Readonly<Record<string, string>> = IMAGE_FILES,
  ): Promise<CloudApp> {
    ensureBaseImage();
    const sandbox = await Sandbox.open();
    const repository = await sandbox.repositoryOf({ 'clusternator.config.yaml': config, ...files });
    cloud.serve(sandbox, keys);
    await installProvider(sandbox);
    return new CloudApp(cloud, sandbox, repository);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sandbox.dispose();
    await this.cloud[Symbol.asyncDispose]();
  }

  /** Of a command that has to succeed. A foundation and an image take a while. */
  async tool<T>(...args: readonly string[]): Promise<T> {
    const { data, outcome, error } = await this.sandbox.json<T>(args, { timeoutSeconds: 400 });
    assert.deepEqual({ args, exit: outcome.code, error }, { args, exit: 0, error: undefined });
    return data;
  }

  async commit(version: string): Promise<string> {
    await this.repository.write('www/version.txt', `${version}\n`);
    return this.repository.commit(`Version ${version}`);
  }

  async create(sha: string): Promise<EnvironmentAnswer> {
    return (await this.tool<{ environment: EnvironmentAnswer }>('env', 'create', '--sha', sha)).environment;
  }

  versionAt(url: string): Promise<string> {
    return this.cloud.curl(`${url}/version.txt`);
  }

  /** After a flip: a load balancer takes a moment to follow, of which AWS tells nobody. */
  async follows(url: string, version: string): Promise<void> {
    await eventually(async () => assert.equal(await this.versionAt(url), version));
  }

  /** @returns What was answered while something was done, once each. */
  async versionsDuring(url: string, work: () => Promise<unknown>): Promise<readonly string[]> {
    return Object.keys(await loadDuring(() => this.versionAt(url), work)).sort();
  }
}
