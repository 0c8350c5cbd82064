import { mkdirSync, writeFileSync } from 'node:fs';
import { Resolver } from 'node:dns/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Account, Harness, Stranger, Target, Thing } from '@clusternator/conformance';
import { z } from 'zod';
import { socketOf } from '../client/launch.ts';
import { environmentViewSchema, slotViewSchema, statusSchema } from '../control/views.ts';
import provider from '../index.ts';
import { TestDaemon } from './daemon.ts';
import { Specs, testCall, testHost } from './specs.ts';
import { LocalEnvironments } from '../environments.ts';

/** Of a project whose one site keeps its zone there. */
const ZONE = 'kitzone';
const TABLES = ['environments', 'slots', 'volumes', 'snapshots'] as const;
const refused = (code: string) => JSON.stringify({ error: { code, message: `refused: ${code}` } });
const nothing = z.unknown();
/** Node gives a TXT in pieces, and reads its bytes as Latin 1. */
const answerSchema = z.union([
  z.string(),
  z.array(z.string()).transform((pieces) => Buffer.from(pieces.join(''), 'latin1').toString('utf8')),
]);

/** Puts the local provider through the conformance kit: a daemon of its own, with the fault proxy at its control socket. */
const harness: Harness = {
  module: import.meta.url,
  provider,
  async open(tools) {
    const daemon = new TestDaemon({ CLUSTERNATOR_STATE_HOME: path.join(tools.folder, 'state') });
    const { dnsPort } = await daemon.client.call(statusSchema, {
      method: 'GET',
      path: '/v1/status',
      signal: testCall().signal,
    });
    const front = await tools.proxy({ socket: socketOf(daemon.client.paths) });
    // Drivers look in their state folder for where the daemon listens: this one leads to the proxy.
    const seen = new TestDaemon({ CLUSTERNATOR_STATE_HOME: path.join(tools.folder, 'front') });
    mkdirSync(path.dirname(seen.client.paths.info), { recursive: true });
    writeFileSync(seen.client.paths.info, JSON.stringify(front));
    await makeZone(daemon);
    const env = {
      PATH: `${path.dirname(process.execPath)}:${process.env.PATH ?? ''}`,
      CLUSTERNATOR_STATE_HOME: seen.stateFolder,
    };
    return accountOf(daemon, env, dnsPort, async () => {
      await seen.end();
      await daemon.end();
    });
  },
  refusals: {
    broken: { status: 500, body: 'it broke' },
    denied: { status: 403, body: refused('denied') },
    quota: { status: 507, body: refused('quota') },
    unreadable: { status: 404, body: '<html>no such page</html>' },
  },
  floors: {
    'environments.ensure': 1,
    'environments.destroy': 1,
    'environments.scale': 1,
    'slots.ensure': 1,
    'slots.route': 1,
    'slots.destroy': 1,
    'volumes.ensure': 1,
    'volumes.destroy': 1,
    'snapshots.ensure': 1,
    'snapshots.destroy': 1,
    'dns.change': 1,
  },
  permissionOf: () => undefined,
  settleSeconds: 60,
};
export default harness;

function accountOf(daemon: TestDaemon, env: Account['env'], dnsPort: number, end: () => Promise<void>): Account {
  const resolver = new Resolver({ tries: 1 });
  resolver.setServers([`127.0.0.1:${String(dnsPort)}`]);
  const ask = <T>(
    schema: z.ZodType<T>,
    method: 'GET' | 'PUT' | 'DELETE',
    target: Target,
    more = '',
    body?: unknown,
  ): Promise<T> => {
    const { project, stage } = target.owner;
    const where = `/v1/projects/${project}/stages/${stage}/${target.type}s/${target.id}${more}`;
    return daemon.client.call(schema, { method, path: where, body, signal: testCall().signal });
  };
  const stranger: Stranger = {
    async remove(target) {
      await ask(nothing, 'DELETE', target);
    },
    async reroute(slot, environment) {
      const { handle } = await ask(slotViewSchema, 'GET', slot);
      const head = await ask(environmentViewSchema, 'GET', environment);
      const routes = [{ environment: head.handle.environment, percent: 100 }];
      const body = { version: handle.version, token: 'stranger', routes, stamp: 'theirs' };
      await ask(nothing, 'PUT', slot, '/routes', body);
    },
  };
  return {
    ...{ config: {}, env, domain: 'localhost', zone: `${ZONE}.test`, stranger, end },
    resolve: async (name, type) => {
      const found: unknown = await resolver.resolve(name, type).catch(() => []);
      return z.array(answerSchema).parse(found).sort();
    },
    inventory: async () => inventoryOf(daemon.client.paths.database),
  };
}

/** What the daemon keeps, by its own database: also what no list of it shows. */
function inventoryOf(file: string): readonly Thing[] {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const things = TABLES.flatMap((kind) =>
      database
        .prepare(`SELECT key, project FROM ${kind}`)
        .all()
        .map((row) => ({ kind, name: `${String(row.project)} ${String(row.key)}` })),
    );
    return things.filter(({ name }) => !name.startsWith(ZONE));
  } finally {
    database.close();
  }
}

async function makeZone(daemon: TestDaemon): Promise<void> {
  const specs = new Specs(daemon.stateFolder);
  const driver = new LocalEnvironments(testHost(specs, daemon.env, {}, ZONE), daemon.client);
  const site = { artefact: specs.tree({ 'index.html': 'zone' }), route: '/' };
  const spec = { ...specs.environment('zone', {}, { site }), hosts: [`zone--${ZONE}.localhost`] };
  await driver.ensure(spec, testCall());
}
