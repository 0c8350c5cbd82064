import type { RecordChange, RecordSet } from '@clusternator/core/provider';

interface Change {
  readonly id: string;
  looks: number;
  readonly records: readonly RecordSet[];
}
export interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

const PAGE_SIZE = 100;
/** How often a change is looked at before the servers have it. */
const LOOKS = 2;
const LONGEST_TTL_SECONDS = 86_400;

/** A zone of the memory cloud, whose servers follow a change a while after it was taken. */
export class MemoryZone {
  readonly nameServers: readonly string[];
  records: readonly RecordSet[];
  #served: readonly RecordSet[];
  readonly #changes = new Map<string, Change>();

  constructor(private readonly name: string) {
    this.nameServers = [`ns.${name}`];
    this.records = [
      { name, type: 'SOA', ttlSeconds: 900, values: [`ns.${name} admin.${name} 1 7200 900 1209600 300`] },
      { name, type: 'NS', ttlSeconds: 3600, values: this.nameServers },
    ];
    this.#served = this.records;
  }

  /** Than what it began with. */
  get holdsMore(): boolean {
    return this.records.some(({ name, type }) => name !== this.name || (type !== 'SOA' && type !== 'NS'));
  }

  answer(method: string, [kind, id]: readonly string[], query: URLSearchParams, body: Record<string, unknown>): Answer {
    if (kind === 'records') return this.#list(query);
    if (method === 'POST') return this.#change(body.changes as readonly RecordChange[]); // only our own driver asks
    return this.#look(id ?? '');
  }

  /** As its servers say it. */
  resolve(name: string, type: string): readonly string[] {
    const exact = this.#served.filter((set) => set.name === name);
    const wild = exact.length > 0 ? exact : this.#served.filter((set) => set.name === name.replace(/^[^.]+/, '*'));
    const alias = wild.find((set) => set.type === 'ALIAS');
    if (alias) return alias.values.flatMap((target) => this.resolve(target, type));
    return wild.flatMap((set) => (set.type === type ? set.values : [])).sort();
  }

  #list(query: URLSearchParams): Answer {
    const [name, type, from] = [query.get('name'), query.get('type'), Number(query.get('after') ?? 0)];
    const all = this.records.filter(
      (set) => (name === null || set.name === name) && (type === null || set.type === type),
    );
    const next = from + PAGE_SIZE < all.length ? from + PAGE_SIZE : undefined;
    return { status: 200, body: { items: all.slice(from, from + PAGE_SIZE), next } };
  }

  #change(changes: readonly RecordChange[]): Answer {
    for (const { expected, next } of changes) {
      if (next && (next.ttlSeconds < 1 || next.ttlSeconds > LONGEST_TTL_SECONDS))
        return { status: 422, body: { error: 'BadTtl' } };
      const there = this.#find(expected ?? next);
      if (expected ? !same(there, expected) : there !== undefined)
        return { status: 412, body: { error: 'PreconditionFailed' } };
    }
    let records = this.records;
    for (const { expected, next } of changes) {
      const old = this.#find(expected ?? next);
      records = [...records.filter((set) => set !== old), ...(next ? [next] : [])];
    }
    const clash = records.some(
      (set) => set.type === 'CNAME' && records.some((other) => other !== set && other.name === set.name),
    );
    if (clash) return { status: 422, body: { error: 'CnameBeside' } };
    this.records = records;
    const change = { id: `c${String(this.#changes.size + 1)}`, looks: 0, records };
    this.#changes.set(change.id, change);
    return { status: 200, body: { id: change.id } };
  }

  #look(id: string): Answer {
    const change = this.#changes.get(id);
    if (!change) return { status: 404, body: { error: 'NotFound' } };
    change.looks += 1;
    if (change.looks === LOOKS) this.#served = change.records;
    return { status: 200, body: { isServed: change.looks >= LOOKS } };
  }

  #find(about: RecordSet | null): RecordSet | undefined {
    return this.records.find((set) => set.name === about?.name && set.type === about.type);
  }
}

function same(a: RecordSet | undefined, b: RecordSet): boolean {
  const values = (set: RecordSet) => JSON.stringify([...set.values].sort());
  return a?.ttlSeconds === b.ttlSeconds && values(a) === values(b);
}
