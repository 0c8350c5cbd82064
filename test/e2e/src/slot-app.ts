import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from '@jest/globals';

import type { Answer, EnvironmentAnswer, Outcome } from './cli.ts';
import { eventually, get } from './http.ts';
import type { TestRepository } from './repository.ts';
import { Sandbox } from './sandbox.ts';

/** Answers with its version; `/slow` after `?ms=`, `/upload` with how much came, `/events` without an end; takes WebSockets and echoes. */
const SERVER = `
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
const version = readFileSync('version.txt', 'utf8').trim();
const isLive = process.env.MODE === 'live';
let asked = 0;
const health = () => {
  asked += 1;
  if (version === 'ill-when-live' && isLive) return 500;
  const file = path.join(process.env.SWITCHES, version);
  const turned = existsSync(file) ? readFileSync(file, 'utf8') : 'good';
  return turned === 'good' || (turned === 'flapping' && asked % 2 === 0) ? 200 : turned === 'lost' ? 404 : 500;
};
const server = http.createServer((request, response) => {
  const url = new URL(request.url, 'http://here');
  response.setHeader('x-version', version);
  if (url.pathname === '/ready') {
    response.statusCode = health();
    return response.end(version);
  }
  if (url.pathname === '/slow') {
    response.write(version + ' begins\\n');
    return void setTimeout(() => response.end(version + ' ends\\n'), Number(url.searchParams.get('ms')));
  }
  if (url.pathname === '/events') {
    response.setHeader('content-type', 'text/event-stream');
    const timer = setInterval(() => response.write('data: ' + version + '\\n\\n'), 100);
    return void response.once('close', () => clearInterval(timer));
  }
  if (url.pathname === '/upload') {
    let bytes = 0;
    request.on('data', (piece) => (bytes += piece.length));
    return void request.once('end', () => response.end(JSON.stringify({ version, bytes })));
  }
  response.end(JSON.stringify({ version, mode: process.env.MODE ?? null, pid: process.pid }));
});
server.on('upgrade', (request, socket) => {
  const accept = createHash('sha1').update(request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\nSec-WebSocket-Accept: ' + accept + '\\r\\n\\r\\n');
  socket.on('data', (data) => { if ((data[0] & 15) === 8) socket.end(); });
  socket.on('error', () => undefined);
});
const delay = version === 'slow-when-live' && isLive ? 60_000 : 0;
setTimeout(() => server.listen(Number(process.env.PORT), process.env.HOST), delay);
`;
const WORKER = `
import { appendFileSync } from 'node:fs';
const version = (await import('node:fs')).readFileSync('version.txt', 'utf8').trim();
const beat = () => appendFileSync(process.env.WORK_LOG, version + '\\n');
beat();
setInterval(beat, 100);
`;
const BUILD = `
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
const version = readFileSync('version.txt', 'utf8').trim();
mkdirSync('dist', { recursive: true });
writeFileSync('dist/index.html', 'assets of ' + version);
appendFileSync(process.argv[2], version + '\\n');
`;

export interface MemberAnswer {
  readonly name?: string;
  readonly environment: string;
  readonly commit: string;
  readonly url?: string;
  readonly healthy?: boolean;
}
export interface ReleaseAnswer {
  readonly generation: number;
  readonly environment: string;
  readonly commit: string;
  readonly kind: string;
  readonly from?: string;
  readonly reason?: string;
  readonly digests: Readonly<Record<string, string>>;
}
export interface SlotAnswer {
  readonly name: string;
  readonly url: string;
  readonly generation: number;
  readonly state: string;
  readonly head?: MemberAnswer;
  readonly standbys: readonly MemberAnswer[];
  readonly rejected: readonly MemberAnswer[];
  readonly traffic?: readonly { readonly environment?: string; readonly percent: number }[];
  readonly drift?: unknown;
  readonly pinned?: { readonly why: string };
  readonly operation?: { readonly id: string; readonly kind: string; readonly alive: boolean; readonly owner: string };
  readonly releases?: readonly ReleaseAnswer[];
}
export interface ChangeAnswer {
  readonly operation: string;
  readonly slot: SlotAnswer;
  readonly from?: MemberAnswer;
  readonly to: MemberAnswer;
  readonly existed: boolean;
  readonly flipSeconds: number | null;
  readonly undo: string | null;
}
/** What `slot destroy` answers. */
export interface SlotEndAnswer {
  readonly operation: string;
  readonly generation: number;
  readonly wasGone: boolean;
  readonly released: readonly MemberAnswer[];
  readonly keeps: readonly string[];
}
type Change = Answer<ChangeAnswer> & { readonly outcome: Outcome };

/** What a slot's settings in the config are, beside those that a test gives. */
export interface AppOptions {
  readonly slot?: string;
  readonly worker?: boolean;
  /** More lines at the top level. */
  readonly config?: string;
}

/** A project with a slot, whose commits differ by their version; what a version is called decides how it behaves. */
export class SlotApp {
  readonly sandbox: Sandbox;
  readonly repository: TestRepository;
  readonly switches: string;
  readonly buildLog: string;
  readonly workLog: string;

  private constructor(sandbox: Sandbox, repository: TestRepository) {
    this.sandbox = sandbox;
    this.repository = repository;
    this.switches = path.join(sandbox.folder, 'switches');
    this.buildLog = path.join(sandbox.folder, 'builds.log');
    this.workLog = path.join(sandbox.folder, 'work.log');
  }

  static async open({ slot = 'standbys: 2', worker = false, config = '' }: AppOptions = {}): Promise<SlotApp> {
    const sandbox = await Sandbox.open();
    const files = { 'server.mjs': SERVER, 'worker.mjs': WORKER, 'build.mjs': BUILD, 'version.txt': 'start' };
    const repository = await sandbox.repositoryOf(files);
    const app = new SlotApp(sandbox, repository);
    await mkdir(app.switches);
    await repository.write(
      'clusternator.config.yaml',
      `${app.#config(slot.replaceAll('PROJECT', sandbox.project), worker)}${config}`,
    );
    await repository.commit('The config');
    return app;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sandbox.dispose();
  }

  /** A commit of this version. */
  async commit(version: string): Promise<string> {
    await this.repository.write('version.txt', version);
    return this.repository.commit(`Version ${version}`);
  }

  /** A commit of this version as an environment. */
  async create(version: string): Promise<EnvironmentAnswer> {
    return this.sandbox.create('--sha', await this.commit(version));
  }

  async try(...args: readonly string[]): Promise<Change> {
    return this.sandbox.json<ChangeAnswer>(args);
  }

  /** A promotion or rollback, which has to succeed. */
  async move(...args: readonly string[]): Promise<ChangeAnswer> {
    return this.sandbox.answer<ChangeAnswer>(...args);
  }

  async show(slot = 'master'): Promise<SlotAnswer> {
    return (await this.sandbox.answer<{ slot: SlotAnswer }>('slot', 'show', slot)).slot;
  }

  /** Newest first. */
  async releases(slot = 'master'): Promise<readonly ReleaseAnswer[]> {
    const { data } = await this.sandbox.json<{ releases: readonly ReleaseAnswer[] }>(['slot', 'releases', slot]);
    return data.releases;
  }

  /** What the slot answers with now. */
  async version(url: string): Promise<string> {
    const { status, body } = await get(url);
    expect({ status, body }).toMatchObject({ status: 200 });
    return (JSON.parse(body) as { version: string }).version;
  }

  /** From now on this version answers its health check so. */
  async turn(version: string, how: 'good' | 'bad' | 'flapping' | 'lost'): Promise<void> {
    await writeFile(path.join(this.switches, version), how);
  }

  /** The versions that were built, in order. */
  async builds(): Promise<readonly string[]> {
    return linesOf(this.buildLog);
  }

  /** Which versions' workers work: they write on while one looks. */
  async working(): Promise<readonly string[]> {
    await rm(this.workLog, { force: true });
    const lines = await eventually(async () => {
      const found = await linesOf(this.workLog);
      expect(found.length).toBeGreaterThan(4);
      return found;
    });
    return [...new Set(lines)];
  }

  #config(slot: string, worker: boolean): string {
    const health = 'health: { path: /ready, every: 500ms, within: 3s }';
    return `project: ${this.sandbox.project}
provider: local
services:
  web:
    command: node server.mjs
    port: 8080
    route: /
    ${health}
    env: { SWITCHES: ${JSON.stringify(this.switches)} }
${worker ? `  worker: { command: node worker.mjs, runOn: head, env: { WORK_LOG: ${JSON.stringify(this.workLog)} } }\n` : ''}sites:
  assets: { build: ${JSON.stringify(`node build.mjs ${this.buildLog}`)}, dir: dist, route: /assets }
slots:
  master: { branch: main, ${slot} }
`;
  }
}

async function linesOf(file: string): Promise<readonly string[]> {
  if (!existsSync(file)) return [];
  return (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
}
