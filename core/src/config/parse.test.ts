import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseConfig } from './parse.ts';

/** What is wrong with the valid base, once `changes` are laid over it: by path. */
function problemsWith(changes: Record<string, unknown>): Record<string, string> {
  const parsed = parseConfig({
    project: 'shop',
    provider: 'local',
    services: { api: { command: 'node a.js' } },
    ...changes,
  });
  const problems = 'problems' in parsed ? parsed.problems : [];
  return Object.fromEntries(
    problems.map(({ path, message, hint }) => [path, [message, hint].filter(Boolean).join(' | ')]),
  );
}
const service = (api: Record<string, unknown>) => problemsWith({ services: { api: { command: 'node a.js', ...api } } });

function valid(config: Record<string, unknown>) {
  const parsed = parseConfig({ project: 'shop', provider: 'local', ...config });
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

describe('defaults', () => {
  test('a process says its command and nothing else', () => {
    expect(valid({ services: { api: { command: 'node a.js' } } }).services.api).toEqual({
      command: ['node', 'a.js'],
      dir: '.',
      protocol: 'http',
      env: {},
      secrets: {},
      needs: {},
      cpus: 0.5,
      memoryMiB: 1024,
      instances: { min: 1, max: 1 },
      volumes: {},
      runOn: 'every',
    });
  });

  test('who builds is the engine unless the config says who else', () => {
    const build = (on?: string) => valid({ services: { api: { build: { on } } } }).services.api?.build;
    expect([build(), build('engine')]).toEqual(Array(2).fill({ context: '.', dockerfile: 'Dockerfile' }));
    expect(build('codebuild')).toEqual({ context: '.', dockerfile: 'Dockerfile', on: 'codebuild' });
  });

  test('a service with a route is checked by HTTP; one with a bare port is not taken for HTTP', () => {
    const { services } = valid({
      services: {
        web: { build: '.', port: 80, route: '/' },
        db: { image: 'postgres:17', port: 5432 },
        rpc: { build: './rpc/', port: 81, protocol: 'http', health: '/live' },
      },
    });
    const health = { path: '/', statusFrom: 200, statusTo: 299, everySeconds: 1, withinSeconds: 60, healthyAfter: 1 };
    expect(services.web).toMatchObject({ protocol: 'http', health, build: { context: '.', dockerfile: 'Dockerfile' } });
    expect(services.db).toMatchObject({ protocol: 'tcp' });
    expect(services.db).not.toHaveProperty('health');
    expect(services.rpc).toMatchObject({ health: { ...health, path: '/live' }, build: { context: 'rpc' } });
  });

  test('a site, a volume and a slot', () => {
    const config = valid({
      sites: { web: { dir: './dist/' } },
      volumes: { data: {}, kept: { scope: 'slot' } },
      slots: { master: {} },
    });
    expect(config).toMatchObject({
      stage: 'default',
      provider: { name: 'local', config: {} },
      environments: {},
      cache: { folders: [], sizeMiB: 2048 },
      logs: { sizeMiB: 200 },
    });
    expect(config.sites.web).toEqual({ dir: 'dist', route: '/' });
    expect(config.volumes.data).toEqual({ sizeGiB: 1, scope: 'env', kind: 'files', onDestroy: 'delete' });
    expect(config.volumes.kept).toMatchObject({ onDestroy: 'retain' });
    expect(config.slots.master).toEqual({
      hosts: [],
      metrics: [],
      standbys: 1,
      bakeSeconds: 0,
      stages: [{ percent: 100, holdSeconds: 0 }],
      env: {},
      secrets: {},
      drain: { requestsSeconds: 30, webSocketsSeconds: 30 },
    });
  });
});

describe('forms', () => {
  test('lists and maps say the same', () => {
    const { services } = valid({
      services: {
        api: { command: ['node', 'a.js', 80], port: 80, secrets: ['KEY'], needs: ['db'], health: { status: 204 } },
        db: { command: 'db', port: 1, env: { N: 1, YES: true }, secrets: { KEY: 'arn:x', OTHER: null } },
      },
    });
    expect(services.api).toMatchObject({
      command: ['node', 'a.js', '80'],
      secrets: { KEY: { name: 'KEY' } },
      needs: { db: null },
    });
    expect(services.api?.health).toMatchObject({ statusFrom: 204, statusTo: 204 });
    expect(services.db).toMatchObject({ env: { N: '1', YES: 'true' } });
    expect(services.db?.secrets).toEqual({ KEY: { name: 'KEY', reference: 'arn:x' }, OTHER: { name: 'OTHER' } });
  });

  test('a provider keeps its own keys, volumes their units, slots their stages', () => {
    const config = valid({
      provider: { name: 'aws', region: 'eu-west-1' },
      sites: { web: { dir: '.' } },
      volumes: {
        db: {
          kind: 'database',
          engine: 'postgres:17',
          size: '20Gi',
          seed: { snapshot: 'master/latest', run: './sanitize.sh' },
        },
        logs: { size: '512Mi', seed: 'empty', backup: { every: '6h', keep: { daily: 7 }, quiesce: 'postgres' } },
      },
      slots: { master: { stages: '10@5m,50@90s,100', host: ['a.example.com', 'b.example.com'] } },
    });
    expect(config.provider).toEqual({ name: 'aws', config: { region: 'eu-west-1' } });
    expect(config.volumes.db).toMatchObject({
      sizeGiB: 20,
      engine: { name: 'postgres', version: '17' },
      seed: { run: ['./sanitize.sh'] },
    });
    expect(config.volumes.logs).toMatchObject({
      sizeGiB: 0.5,
      seed: {},
      backup: { everySeconds: 21_600, keep: { daily: 7 } },
    });
    expect(config.slots.master).toMatchObject({ host: 'a.example.com', hosts: ['a.example.com', 'b.example.com'] });
    expect(config.slots.master?.stages.map(({ percent, holdSeconds }) => [percent, holdSeconds])).toEqual([
      [10, 300],
      [50, 90],
      [100, 0],
    ]);
  });

  test('a slash at the end of a route is no other route', () => {
    expect(valid({ services: { api: { build: '.', port: 1, route: '/api/' } } }).services.api?.route).toBe('/api');
    const services = { api: { build: '.', port: 1, route: '/api/' }, b: { build: '.', port: 1, route: '/api' } };
    expect(problemsWith({ services })).toEqual({ 'services.b.route': expect.stringContaining('services.api') });
  });
});

describe('unknown keys and wrong types', () => {
  test('an unknown key names its path and the nearest known key, at every depth', () => {
    expect(problemsWith({ domian: 'x' })).toEqual({ domian: 'is not a known key | did you mean "domain"?' });
    expect(service({ port: 1, healht: {} })).toEqual({ 'services.api.healht': expect.stringContaining('"health"') });
    expect(service({ port: 1, health: { pth: '/' } })).toEqual({
      'services.api.health.pth': expect.stringContaining('"path"'),
    });
    expect(problemsWith({ environments: { tll: '1h' } })).toEqual({
      'environments.tll': expect.stringContaining('"ttl"'),
    });
    expect(problemsWith({ xyzzy: 1 })).toEqual({ xyzzy: expect.stringContaining('known here: project, stage') });
  });

  test.each([
    ['services.api.port', { port: '80' }, 'must be a number, is "80"'],
    ['services.api.port', { port: 0 }, 'at least 1'],
    ['services.api.port', { port: 65_536 }, 'at most 65535'],
    ['services.api.port', { port: 1.5 }, 'whole number'],
    ['services.api.memory', { memory: 512 }, 'size such as 512Mi'],
    ['services.api.cpus', { cpus: 0 }, 'at least'],
    ['services.api.protocol', { protocol: 'udp' }, 'http or tcp'],
    ['services.api.secrets', { secrets: 5 }, 'must be a list or a map'],
    ['services.api.env.V', { env: { V: 1.1 } }, 'quotes'],
    ['services.api.env.a-b', { env: { 'a-b': '' } }, 'letters, digits'],
    ['services.api.env.CLUSTERNATOR_ID', { env: { CLUSTERNATOR_ID: 'x' } }, 'is ours'],
    ['services.api.instances', { instances: { min: 3, max: 2 } }, 'min must not be over max'],
    ['services.api.instances', { instances: 0 }, 'at least 1'],
    ['services.api.command', { command: 'a && b' }, "[sh, -c, 'a && b']"],
    ['services.api.command', { command: [] }, 'is empty'],
    ['services.api.command', { command: ['a\0b'] }, 'is empty'],
    ['services.api.dir', { dir: '../x' }, 'inside the repository'],
    ['services.api.dir', { dir: 'a/../../x' }, 'inside the repository'],
    ['services.api.dir', { dir: '/etc' }, 'relative'],
    ['services.api.dir', { dir: 'C:\\x' }, 'relative'],
    ['services.api.dir', { dir: 'a\nb' }, 'control'],
    ['services.api.dir', { dir: '.git/hooks' }, '.git'],
    ['services.api.health', { health: { status: '299-200' }, port: 1 }, 'lower status'],
  ])('%s %j', (path, change, message) => {
    const problems = service(change);
    expect(
      Object.keys(problems).map((key) => key.replace(/^services\.api\.health\..*/, 'services.api.health')),
    ).toEqual([path]);
    expect(Object.values(problems)[0]).toContain(message);
  });

  test.each([
    ['project', { project: 'My_Shop' }],
    ['project', { project: undefined }],
    ['stage', { stage: 'a--b' }],
    ['provider', { provider: 5 }],
    ['provider.name', { provider: { region: 'x' } }],
    ['domain', { domain: 'https://example.com' }],
    ['registry', { registry: 'https://ghcr.io' }],
    ['environments.ttl', { environments: { ttl: 'soon' } }],
    ['environments.ttl', { environments: { ttl: 3600 } }],
    ['environments.ttl', { environments: { ttl: '5s' } }],
    ['environments.max', { environments: { max: 0 } }],
    ['sites.web.dir', { sites: { web: { dir: '..' } } }],
    ['sites.web.dir', { sites: { web: {} } }],
    ['sites.Web', { sites: { Web: { dir: '.' } } }],
    ['services.constructor', { services: { constructor: { command: 'a' } } }],
    ['volumes.data.size', { volumes: { data: { size: '20' } } }],
    ['volumes.data.seed', { volumes: { data: { seed: 'snapshot:../x' } } }],
    ['slots.deadbeef', { slots: { deadbeef: {} } }],
    ['slots.m.host', { slots: { m: { host: `${'a'.repeat(64)}.example.com` } } }],
    ['slots.m.branch', { slots: { m: { branch: '--upload-pack=x' } } }],
    ['slots.m.stages', { slots: { m: { stages: '50@5m,10@5m' } } }],
    ['slots.m.bake', { slots: { m: { bake: 5 } } }],
    ['services', { services: [] }],
    ['services.api', { services: { api: null } }],
    ['cache.0', { cache: ['/tmp'] }],
    ['cache.0', { cache: ['../other'] }],
    ['cache.0', { cache: ['.'] }],
    ['cache.size', { cache: { folders: ['.npm'], size: '0Mi' } }],
    ['cache', { sites: { web: { build: 'make', dir: 'out/site' } }, cache: ['out'] }],
    ['cache', { cache: ['node_modules', 'node_modules/.cache'] }],
    ['logs.size', { logs: { keep: '30d', size: '1' } }],
  ])('a bad %s is named: %j', (path, change) => {
    expect(Object.keys(problemsWith(change))).toContain(path);
  });
});

describe('what one key alone cannot tell', () => {
  test('a service is made of one thing', () => {
    expect(problemsWith({ services: { api: {} } })).toEqual({
      'services.api': expect.stringContaining('nothing to run'),
    });
    expect(problemsWith({ services: { api: { build: '.', image: 'x' } } })).toHaveProperty(['services.api.image']);
    expect(problemsWith({ services: { api: { image: 'x', install: 'npm ci', dir: 'a' } } })).toEqual({
      'services.api.install': expect.stringContaining('bare processes'),
      'services.api.dir': expect.stringContaining('bare processes'),
    });
    expect(problemsWith({ services: { api: { image: 'x', command: 'y' } } })).toEqual({});
    expect(problemsWith({ services: {} })).toEqual({ '': expect.stringContaining('clusternator init') });
  });

  test('routes and health checks want a port that speaks HTTP', () => {
    expect(service({ route: '/' })).toHaveProperty(['services.api.route']);
    expect(service({ route: '/', port: 1, protocol: 'tcp' })).toHaveProperty(['services.api.protocol']);
    expect(service({ health: '/', port: 1, protocol: 'tcp' })).toHaveProperty(['services.api.health']);
    expect(service({ port: 80, env: { PORT: '81' } })).toHaveProperty(['services.api.env.PORT']);
  });

  test('a cycle in needs is shown, once', () => {
    const of = (...needs: string[]) => ({ command: 'x', needs });
    expect(problemsWith({ services: { a: of('b'), b: of('c'), c: of('a'), d: of('a') } })).toEqual({
      'services.a.needs': expect.stringContaining('a → b → c → a'),
    });
    expect(problemsWith({ services: { a: of('a') } })).toEqual({
      'services.a.needs.a': expect.stringContaining('itself'),
    });
    const wide = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`s${at}`, of(`s${at + 1}`, `s${at + 2}`)]));
    expect(problemsWith({ services: { ...wide, s300: of(), s301: of() } })).toEqual({});
  });

  test('what is needed is declared, can be connected to, and is no site', () => {
    const sites = { web: { dir: '.' } };
    const volumes = { data: {}, orders: { kind: 'database', engine: 'postgres:17' } };
    const services = {
      db: { image: 'x', port: 1 },
      quiet: { command: 'x' },
      api: { command: 'x', needs: { dbb: null, web: null, data: null, quiet: 'Q', orders: 'O', db: 'O' } },
    };
    expect(problemsWith({ services, sites, volumes })).toEqual({
      'services.api.needs.dbb': expect.stringContaining('"db"'),
      'services.api.needs.web': expect.stringContaining('site'),
      'services.api.needs.data': expect.stringContaining('mount'),
      'services.api.needs.quiet': expect.stringContaining('port'),
      'services.api.needs.db': expect.stringContaining('sets O'),
    });
  });

  test('one variable has one source', () => {
    expect(service({ env: { KEY: 'x' }, secrets: ['KEY'] })).toHaveProperty(['services.api.secrets.KEY']);
    expect(problemsWith({ slots: { m: { env: { KEY: 'x' }, secrets: ['KEY'] } } })).toHaveProperty([
      'slots.m.secrets.KEY',
    ]);
  });

  test('two public parts on one route, and a service named like a site', () => {
    const services = { web: { command: 'x', port: 1, route: '/' } };
    expect(problemsWith({ services, sites: { web: { dir: '.' } } })).toEqual({
      'sites.web': expect.stringContaining('name of a service'),
      'sites.web.route': expect.stringContaining('services.web'),
    });
  });

  test('volumes are declared, and mounted where they can be', () => {
    const volumes = {
      data: {},
      disk: { kind: 'disk' },
      db: { kind: 'database', engine: 'postgres:17' },
      odd: { engine: 'x:1' },
      none: { kind: 'database' },
    };
    const services = {
      a: { image: 'x', instances: 2, volumes: { dta: '/a', data: 'b', disk: '/c', db: '/d' } },
      b: { command: 'x', volumes: { data: '/abs', disk: { path: 'd', readOnly: true } } },
      c: { image: 'x', volumes: { data: '/same', disk: '/same/' } },
      d: { command: 'x', volumes: { data: '../up', disk: '/' } },
    };
    expect(Object.keys(problemsWith({ services, volumes })).sort()).toEqual([
      'services.a.volumes.data',
      'services.a.volumes.db',
      'services.a.volumes.disk',
      'services.a.volumes.dta',
      'services.b.volumes.data',
      'services.c.volumes.disk',
      'services.d.volumes.data',
      'services.d.volumes.disk',
      'volumes.none.engine',
      'volumes.odd.engine',
    ]);
  });

  test('slots share no host, and none is named like a standby', () => {
    const slots = { pr: { standbys: 2, host: 'a.example.com' }, 'pr-1': { host: 'a.example.com' } };
    expect(problemsWith({ slots })).toEqual({
      'slots.pr-1': expect.stringContaining('standby of pr'),
      'slots.pr-1.host': expect.stringContaining('host of pr'),
    });
  });

  test('only providers that are allowed', () => {
    expect(problemsWith({ providers: { allow: ['aws'] }, dns: 'aws' })).toEqual({
      provider: expect.stringContaining('aws'),
    });
  });
});

test('all problems come at once, also those across parts when others are wrong in themselves', () => {
  const problems = problemsWith({
    project: 'X',
    services: {
      api: { command: 'x', port: 'y', needs: ['db'], volumes: { data: 'd' } },
      a: { command: 'x', needs: ['b'] },
      b: { command: 'x', needs: ['a'] },
    },
  });
  expect(Object.keys(problems).sort()).toEqual([
    'project',
    'services.a.needs',
    'services.api.needs.db',
    'services.api.port',
    'services.api.volumes.data',
  ]);
});

test('what is no plain data is named', () => {
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  expect(problemsWith({ services: loop })).toEqual({
    'services.self.self': expect.stringContaining('contains itself'),
  });
  expect(problemsWith({ provider: () => 'x', cache: [new Date()] })).toEqual({
    provider: expect.stringContaining('function'),
    'cache.0': expect.stringContaining('class'),
  });
  const polluting: unknown = JSON.parse('{"native": {"__proto__": {"polluted": 1}}}');
  expect(service(polluting as Record<string, unknown>)).toHaveProperty(['services.api.native.__proto__']);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});

test('whatever is given, the answer is a config or problems', () => {
  const key = fc.oneof(
    fc.constantFrom('project', 'provider', 'services', 'sites', 'volumes', 'slots', 'api', 'needs', 'env', 'command'),
    fc.string(),
  );
  const { tree } = fc.letrec((tie) => ({
    leaf: fc.oneof(fc.string(), fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.constant(undefined)),
    tree: fc.oneof({ depthSize: 'medium' }, tie('leaf'), fc.array(tie('tree')), fc.dictionary(key, tie('tree'))),
  }));
  fc.assert(
    fc.property(tree, (raw) => {
      const parsed = parseConfig(raw);
      if ('problems' in parsed)
        for (const { message } of parsed.problems) expect(message).not.toMatch(/Invalid|undefined|\[object/);
    }),
    { numRuns: 500 },
  );
});
