import type { RecordSet } from '@clusternator/core/provider';
import { parentOf } from './names.ts';
import type { NormalRecordSet } from './record-set.ts';

type Node = ReadonlyMap<RecordSet['type'], NormalRecordSet>;
/** What a zone has for a name. `owner` is where it was found: a wildcard's own name where one was used. */
export type Found =
  | { readonly kind: 'node'; readonly node: Node }
  | { readonly kind: 'delegation'; readonly ns: NormalRecordSet }
  | { readonly kind: 'none' };

/** One version of a zone's records, never changed: queries see a change whole or not at all. */
export class ZoneView {
  private readonly nodes = new Map<string, Map<RecordSet['type'], NormalRecordSet>>();

  constructor(
    readonly apex: string,
    readonly sets: readonly NormalRecordSet[],
  ) {
    for (const set of sets) this.makeNode(set.name).set(set.type, set);
  }

  get(name: string, type: RecordSet['type']): NormalRecordSet | undefined {
    return this.nodes.get(name)?.get(type);
  }

  /** By RFC 1034 §4.3.2, with the wildcards of RFC 4592. @param name - Canonical, and within the zone. */
  find(name: string): Found {
    const ns = this.delegationAbove(name);
    if (ns !== undefined) return { kind: 'delegation', ns };
    const exact = this.nodes.get(name);
    if (exact !== undefined) return { kind: 'node', node: exact };
    // The closest encloser is the longest ancestor that exists, empty ones too; only a wildcard right below it counts.
    let encloser = parentOf(name);
    while (encloser !== undefined && !this.nodes.has(encloser)) encloser = parentOf(encloser);
    const wildcard = encloser === undefined ? undefined : this.nodes.get(`*.${encloser}`);
    return wildcard === undefined ? { kind: 'none' } : { kind: 'node', node: wildcard };
  }

  /** The topmost name server set between the apex and `name`: what lies there belongs to another server. */
  private delegationAbove(name: string): NormalRecordSet | undefined {
    let found: NormalRecordSet | undefined;
    for (let at: string | undefined = name; at !== undefined && at !== this.apex; at = parentOf(at)) {
      found = this.nodes.get(at)?.get('NS') ?? found;
    }
    return found;
  }

  /** A name exists, and so do those between it and the apex. */
  private makeNode(name: string): Map<RecordSet['type'], NormalRecordSet> {
    let node = this.nodes.get(name);
    if (node !== undefined) return node;
    node = new Map();
    this.nodes.set(name, node);
    const parent = name === this.apex ? undefined : parentOf(name);
    if (parent !== undefined) this.makeNode(parent);
    return node;
  }
}
