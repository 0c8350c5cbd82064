import { MemoryZone, type Answer } from './zone.ts';

const FIRST = { id: 'z1', name: 'kit.test', tags: {} };

/** What the memory cloud keeps of a zone beside its records. */
interface Kept {
  readonly id: string;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** The memory cloud's DNS: a zone that was always there, and those that are made, by ids that their makers choose. */
export class MemoryZones {
  readonly first = new MemoryZone(FIRST.name);
  readonly #all = new Map<string, { readonly kept: Kept; readonly zone: MemoryZone }>([
    [FIRST.id, { kept: FIRST, zone: this.first }],
  ]);

  answer(
    method: string,
    [id, ...rest]: readonly string[],
    query: URLSearchParams,
    body: Readonly<Record<string, unknown>>,
  ): Answer {
    if (id === undefined) {
      const items = [...this.#all.values()].map(({ kept, zone }) => ({ ...kept, nameServers: zone.nameServers }));
      return { status: 200, body: { items } };
    }
    const there = this.#all.get(id);
    if (rest.length === 0 && method === 'PUT') {
      if (there) return { status: 412, body: { error: 'PreconditionFailed' } };
      const { name, tags } = body as unknown as Omit<Kept, 'id'>; // only our own driver asks
      this.#all.set(id, { kept: { id, name, tags }, zone: new MemoryZone(name) });
      return { status: 200, body: {} };
    }
    if (!there) return { status: 404, body: { error: 'NotFound' } };
    if (rest.length > 0) return there.zone.answer(method, rest, query, body);
    if (there.zone.holdsMore) return { status: 409, body: { error: 'NotEmpty' } };
    this.#all.delete(id);
    return { status: 200, body: {} };
  }
}
