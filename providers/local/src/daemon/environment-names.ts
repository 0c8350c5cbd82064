import type { RecordSet } from '@clusternator/core/provider';
import type { ZoneStore } from '../dns/zones.ts';

const TTL_SECONDS = 5;
const LABEL = /^([a-z0-9-]+?)--([a-z0-9-]+)\.localhost$/;

/** `<name>--<project>.localhost`, as a name under the project's own zone: `<name>.<project>.test`. */
export function testNameOf(host: string): { readonly name: string; readonly zone: string } | undefined {
  const [, label, project] = LABEL.exec(host) ?? [];
  if (label === undefined || project === undefined) return undefined;
  return { name: `${label}.${project}.test`, zone: `${project}.test` };
}

/** Keeps environments' hosts as A records of their addresses. Its calls take turns: environments of one project share a zone. */
export class EnvironmentNames {
  readonly #zones: ZoneStore;
  #work: Promise<void> = Promise.resolve();

  constructor(zones: ZoneStore) {
    this.#zones = zones;
  }

  /** Written again, it changes nothing. */
  add(hosts: readonly string[], address: string): Promise<void> {
    return this.#inTurn(async () => {
      for (const { name, zone } of hosts.flatMap((host) => testNameOf(host) ?? [])) {
        const { id } = await this.#zones.ensureZone(zone);
        const there = this.#addressesOf(id, name);
        if (there?.values.length === 1 && there.values[0] === address) continue;
        const next = { name, type: 'A' as const, ttlSeconds: TTL_SECONDS, values: [address] };
        await this.#zones.change(id, [{ expected: there ?? null, next }]);
      }
    });
  }

  /** Removes what `add` made, and a zone that nothing is left in. */
  remove(hosts: readonly string[], address: string): Promise<void> {
    return this.#inTurn(async () => {
      for (const { name, zone } of hosts.flatMap((host) => testNameOf(host) ?? [])) {
        const found = this.#zones.zones().find((it) => it.name === zone);
        if (!found) continue;
        const there = this.#addressesOf(found.id, name);
        if (there?.values.length === 1 && there.values[0] === address) {
          await this.#zones.change(found.id, [{ expected: there, next: null }]);
        }
        const rest = this.#zones.records(found.id).filter((it) => it.type !== 'SOA' && it.type !== 'NS');
        if (rest.length === 0) await this.#zones.removeZone(zone);
      }
    });
  }

  #addressesOf(zoneId: string, name: string): RecordSet | undefined {
    return this.#zones.records(zoneId, { name, type: 'A' })[0];
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#work.then(work);
    this.#work = turn.catch(() => undefined);
    return turn;
  }
}
