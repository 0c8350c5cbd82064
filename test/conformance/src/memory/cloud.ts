import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { edgeServer, type Backend, type Destination } from './edge.ts';
import { Machine, type LogEntry, type ServiceBody } from './machine.ts';
import { MemoryZones } from './zones.ts';

export type Collection = 'environments' | 'slots' | 'volumes' | 'snapshots' | 'documents' | 'grounds';
/** Anything that the cloud keeps. `spec` is whatever its collection wants. */
export interface Item {
  readonly name: string;
  readonly seq: number;
  version: number;
  state: 'active' | 'deleting' | 'deleted';
  tags: Record<string, string>;
  spec: Record<string, unknown>;
}
/** What this cloud does otherwise. `partLagMs`: each part of a slot moves so much later than the one before it. */
export interface Quirks {
  readonly partLagMs: number;
}
interface Live {
  readonly routing: number;
  readonly routes: readonly WrittenRoute[];
  readonly since: number;
  readonly before: readonly WrittenRoute[];
}
interface WrittenRoute {
  readonly name: string;
  readonly percent: number;
}
interface Answer {
  readonly status: number;
  readonly body?: unknown;
}
interface Asked {
  readonly method: string;
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
  readonly body: Record<string, unknown>;
  readonly match: string | undefined;
  readonly isNew: boolean;
}

export const PAGE_SIZE = 3;
const FLIP_MS = 150;
const NOT_FOUND: Answer = { status: 404, body: { error: 'NotFound' } };
const PRECONDITION: Answer = { status: 412, body: { error: 'PreconditionFailed' } };

/** A cloud that forgets: its interface is HTTP and JSON, what it runs is real processes, and all of it ends with `stop`. */
export class MemoryCloud {
  readonly items: Readonly<Record<Collection, Map<string, Item>>> = {
    environments: new Map(),
    slots: new Map(),
    volumes: new Map(),
    snapshots: new Map(),
    documents: new Map(),
    grounds: new Map(),
  };
  readonly zones = new MemoryZones();
  readonly #machines = new Map<string, Map<string, Machine>>();
  readonly #logs = new Map<string, LogEntry[]>();
  /** What the edge serves of a slot's routes: it follows what was written a moment later. */
  readonly #live = new Map<string, Live>();
  readonly #api = http.createServer((request, response) => {
    void this.#serve(request, response);
  });
  readonly #edge = edgeServer((host, pathname) => this.#destination(host, pathname));
  #seq = 0;

  constructor(
    private readonly folder: string,
    private readonly quirks: Quirks = { partLagMs: 0 },
  ) {
    for (const sub of ['bundles', 'volumes', 'snapshots', 'trees'])
      mkdirSync(path.join(folder, sub), { recursive: true });
  }

  async start(): Promise<{ readonly url: string; readonly edgePort: number }> {
    const [api, edgePort] = await Promise.all([listen(this.#api), listen(this.#edge)]);
    return { url: `http://127.0.0.1:${String(api)}`, edgePort };
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#machines.values()].flatMap((all) => [...all.values()].map((one) => one.stop())));
    for (const server of [this.#api, this.#edge]) {
      server.closeAllConnections();
      server.close();
    }
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const pieces = await Array.fromAsync(request as AsyncIterable<Buffer>);
    const url = new URL(request.url ?? '/', 'http://cloud');
    const text = Buffer.concat(pieces).toString('utf8');
    const asked: Asked = {
      method: request.method ?? 'GET',
      parts: url.pathname.split('/').slice(2).map(decodeURIComponent),
      query: url.searchParams,
      body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>), // only our own drivers speak with it
      match: request.headers['if-match'],
      isNew: request.headers['if-none-match'] === '*',
    };
    const { status, body } =
      request.headers.authorization === 'Bearer memory' ? await this.#answer(asked) : { status: 401 };
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(body === undefined ? '' : JSON.stringify(body));
  }

  #answer(asked: Asked): Answer | Promise<Answer> {
    const [first = '', second, third] = asked.parts;
    if (first === 'bundles') return this.#bundle(asked, second ?? '');
    if (first === 'zones') return this.zones.answer(asked.method, asked.parts.slice(1), asked.query, asked.body);
    if (!isCollection(first)) return NOT_FOUND;
    if (second === undefined) return this.#list(first, asked);
    if (third === 'services') return this.#service(second, asked);
    if (third === 'logs') return this.#readLogs(second, asked);
    if (third === 'routes') return this.#route(second, asked);
    if (asked.method === 'PUT') return this.#put(first, second, asked);
    if (asked.method === 'PATCH') return this.#patch(first, second, asked);
    if (asked.method === 'DELETE') return this.#delete(first, second, asked);
    const item = this.items[first].get(second);
    return item ? { status: 200, body: this.#shown(first, item) } : NOT_FOUND;
  }

  /** A page is cut before it is filtered, so one may be empty and yet not the last: as clouds do that filter by tags. */
  #list(collection: Collection, { query }: Asked): Answer {
    const isByName = collection === 'documents';
    const cursorOf = ({ name, seq }: Item) => (isByName ? name : String(seq).padStart(12, '0'));
    const [after, prefix] = [query.get('after') ?? '', query.get('prefix') ?? ''];
    const all = [...this.items[collection].values()]
      .filter((item) => cursorOf(item) > after && item.name.startsWith(prefix))
      .sort((a, b) => (cursorOf(a) < cursorOf(b) ? -1 : 1));
    const page = all.slice(0, PAGE_SIZE);
    const [key = '', value] = (query.get('tag') ?? '').split('=');
    const shown = page.filter(({ tags, state }) => (key === '' || tags[key] === value) && state !== 'deleted');
    const last = page.at(-1);
    const next = last && all.length > page.length ? cursorOf(last) : undefined;
    return { status: 200, body: { items: shown.map((item) => this.#shown(collection, item)), next } };
  }

  #put(collection: Collection, name: string, { body, match, isNew }: Asked): Answer {
    const known = this.items[collection].get(name);
    const isThere = known !== undefined && known.state !== 'deleted';
    if (isNew ? isThere : !isThere || (match !== undefined && match !== String(known.version))) return PRECONDITION;
    const spec = body.spec as Item['spec'];
    if (!isThere && collection === 'volumes' && !this.#fill(name, spec))
      return { status: 422, body: { error: 'NoSource' } };
    if (!isThere && collection === 'snapshots') {
      const source = path.join(this.folder, 'volumes', String(spec.volume));
      if (!existsSync(source)) return { status: 422, body: { error: 'NoSource' } };
      cpSync(source, path.join(this.folder, 'snapshots', name), { recursive: true });
      spec.takenAt = new Date().toISOString();
    }
    const item: Item = {
      ...{ name, seq: isThere ? known.seq : ++this.#seq, version: ++this.#seq },
      ...{ state: 'active', tags: { ...(body.tags as Item['tags']) }, spec: { ...spec } },
    };
    this.items[collection].set(name, item);
    return { status: 200, body: this.#shown(collection, item) };
  }

  /** By hand, or by another tool: lays tags and settings over what is there. */
  #patch(collection: Collection, name: string, { body }: Asked): Answer {
    const item = this.items[collection].get(name);
    if (!item) return NOT_FOUND;
    Object.assign(item.tags, body.tags);
    Object.assign(item.spec, body.spec);
    item.version = ++this.#seq;
    return { status: 200, body: this.#shown(collection, item) };
  }

  #delete(collection: Collection, name: string, { match }: Asked): Answer {
    const item = this.items[collection].get(name);
    if (!item || item.state === 'deleted') return NOT_FOUND;
    if (match !== undefined && match !== String(item.version)) return PRECONDITION;
    if (collection === 'environments') {
      if (this.#isRouted(name)) return { status: 409, body: { error: 'InUse' } };
      void this.#end(item);
      return { status: 202, body: {} };
    }
    this.items[collection].delete(name);
    this.#live.delete(name);
    if (collection === 'volumes' || collection === 'snapshots')
      rmSync(path.join(this.folder, collection, name), { recursive: true, force: true });
    return { status: 200, body: {} };
  }

  /** Its name stays for a while, as that of an inactive service does elsewhere. */
  async #end(item: Item): Promise<void> {
    item.state = 'deleting';
    await Promise.all([...(this.#machines.get(item.name)?.values() ?? [])].map((machine) => machine.stop()));
    this.#machines.delete(item.name);
    this.#logs.delete(item.name);
    item.state = 'deleted';
  }

  #isRouted(name: string): boolean {
    return [...this.items.slots.values()].some(({ spec }) => routesOf(spec).some((route) => route.name === name));
  }

  #service(name: string, { method, parts, body }: Asked): Answer {
    const item = this.items.environments.get(name);
    const service = parts[3] ?? '';
    if (item?.state !== 'active') return NOT_FOUND;
    const machines = this.#machines.get(name) ?? new Map<string, Machine>();
    const known = machines.get(service);
    if (method === 'PATCH') {
      if (!known) return NOT_FOUND;
      known.scale(Number(body.instances));
      return { status: 200, body: {} };
    }
    if (known) return PRECONDITION;
    const wanted = body as unknown as ServiceBody; // only our own driver asks
    const bundle = path.join(this.folder, 'bundles', wanted.bundle);
    if (!existsSync(bundle)) return { status: 422, body: { error: 'NoBundle' } };
    const logs = this.#logs.get(name) ?? [];
    this.#logs.set(name, logs);
    const machine = new Machine(
      ...([service, wanted, bundle, path.join(this.folder, 'trees', name, service)] as const),
      (volume) => path.join(this.folder, 'volumes', volume),
      (needed) => machines.get(needed)?.address ?? '127.0.0.1',
      (entry) => logs.push({ ...entry, seq: ++this.#seq, at: new Date().toISOString() }),
    );
    this.#machines.set(name, machines.set(service, machine));
    return { status: 200, body: {} };
  }

  #readLogs(name: string, { query }: Asked): Answer {
    const item = this.items.environments.get(name);
    if (!item) return NOT_FOUND;
    const after = Number(query.get('after') ?? 0);
    const lines = (this.#logs.get(name) ?? []).filter(({ seq }) => seq > after);
    return { status: 200, body: { lines: lines.slice(0, 20), isEnded: item.state !== 'active' } };
  }

  #route(name: string, { body, match }: Asked): Answer {
    const item = this.items.slots.get(name);
    if (!item) return NOT_FOUND;
    if (match !== String(item.version)) return PRECONDITION;
    const routes = body.routes as readonly { readonly name: string; readonly percent: number }[];
    if (routes.some((route) => this.items.environments.get(route.name)?.state !== 'active'))
      return { status: 422, body: { error: 'NoEnvironment' } };
    item.version = ++this.#seq;
    const routing = ++this.#seq;
    Object.assign(item.spec, { routes, stamp: body.stamp, routing });
    setTimeout(() => {
      if (this.items.slots.get(name)?.spec.routing === routing)
        this.#live.set(name, { routing, routes, since: Date.now(), before: this.#live.get(name)?.routes ?? [] });
    }, FLIP_MS);
    return { status: 202, body: this.#shown('slots', item) };
  }

  #bundle({ method, body }: Asked, digest: string): Answer {
    const folder = path.join(this.folder, 'bundles', digest);
    if (method === 'GET') return existsSync(folder) ? { status: 200, body: {} } : NOT_FOUND;
    mkdirSync(folder, { recursive: true });
    for (const [file, content] of Object.entries(body.files as Record<string, string>)) {
      mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
      writeFileSync(path.join(folder, file), Buffer.from(content, 'base64'));
    }
    return { status: 200, body: {} };
  }

  #fill(name: string, spec: Item['spec']): boolean {
    const folder = path.join(this.folder, 'volumes', name);
    const from = spec.from as { readonly collection: 'volumes' | 'snapshots'; readonly name: string } | undefined;
    const source = from && path.join(this.folder, from.collection, from.name);
    if (source !== undefined && !existsSync(source)) return false;
    if (source === undefined) mkdirSync(folder, { recursive: true });
    else cpSync(source, folder, { recursive: true });
    return true;
  }

  #shown(collection: Collection, item: Item): unknown {
    if (collection === 'slots') return { ...item, isLive: this.#live.get(item.name)?.routing === item.spec.routing };
    if (collection !== 'environments') return item;
    const machines = [...(this.#machines.get(item.name) ?? new Map<string, Machine>())];
    const services = machines.map(([name, { state, message, running, body, lastRequestAt }]) => [
      name,
      { state, message, running, bundle: body.bundle, lastRequestAt },
    ]);
    return { ...item, services: Object.fromEntries(services) as unknown };
  }

  #destination(host: string, pathname: string): Destination | undefined {
    for (const { name, spec, state } of this.items.environments.values())
      if (state === 'active' && hasHost(spec.hosts, host))
        return { choices: [{ backend: this.#backend(name), percent: 100 }] };
    for (const { name, spec } of this.items.slots.values()) {
      const parts = spec.parts as Record<string, string>; // as the driver writes it
      const routes = this.#routesOf(name, Object.values(parts), pathname);
      if (hasHost(spec.hosts, host))
        return {
          parts,
          choices: routes.map((route) => ({ backend: this.#backend(route.name), percent: route.percent })),
        };
      const standby = Array.isArray(spec.standbyHosts) ? spec.standbyHosts.indexOf(host) : -1;
      const route = routes.filter(({ percent }) => percent === 0)[standby];
      if (standby >= 0) return { parts, choices: route ? [{ backend: this.#backend(route.name), percent: 100 }] : [] };
    }
    return undefined;
  }

  #routesOf(slot: string, parts: readonly string[], pathname: string): readonly WrittenRoute[] {
    const live = this.#live.get(slot);
    if (!live) return [];
    const lag = parts.findLastIndex((route) => pathname.startsWith(route)) * this.quirks.partLagMs;
    return Date.now() - live.since < lag ? live.before : live.routes;
  }

  #backend(name: string): Backend {
    const sites = (this.items.environments.get(name)?.spec.sites ?? {}) as Record<
      string,
      { route: string; bundle: string }
    >;
    return {
      machines: this.#machines.get(name) ?? new Map<string, Machine>(),
      sites: Object.fromEntries(
        Object.entries(sites).map(([site, { route, bundle }]) => [
          site,
          { route, folder: path.join(this.folder, 'bundles', bundle) },
        ]),
      ),
    };
  }
}

function isCollection(text: string): text is Collection {
  return ['environments', 'slots', 'volumes', 'snapshots', 'documents', 'grounds'].includes(text);
}

function routesOf(spec: Item['spec']): readonly { readonly name: string }[] {
  return (spec.routes ?? []) as readonly { readonly name: string }[]; // written by #route alone
}

function hasHost(hosts: unknown, host: string): boolean {
  return Array.isArray(hosts) && hosts.includes(host);
}

async function listen(server: http.Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}
