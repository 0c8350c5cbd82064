import { ProviderError } from '@clusternator/core/provider';
import type { RecordChange } from '@clusternator/core/provider';
import { canonicalName, isWithin } from './names.ts';
import { normalRecordSet, sameRecordSet } from './record-set.ts';
import type { NormalRecordSet } from './record-set.ts';
import type { ZoneView } from './zone-view.ts';

/**
 * The record sets of a zone after `changes`, sorted by name and type.
 * @throws ProviderError `conflict` when a record set is not the expected one, `invalid`, `unsupported`.
 */
export function nextSets(view: ZoneView, changes: readonly RecordChange[]): NormalRecordSet[] {
  const sets = new Map(view.sets.map((set) => [keyOf(set), set]));
  const touched = new Set<string>();
  for (const [index, change] of changes.entries()) {
    const at = `changes.${String(index)}`;
    const next = change.next === null ? undefined : normalRecordSet(change.next, `${at}.next`);
    const key = keyFor(change, next, at);
    assertChangeable(view, key, change, at);
    if (touched.has(key)) throw invalid(`${key} is in the changes twice`, at);
    touched.add(key);
    assertExpected(sets.get(key), change, key);
    if (next === undefined) sets.delete(key);
    else sets.set(key, next);
  }
  const sorted = [...sets].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, set]) => set);
  assertCompatible(view.apex, sorted);
  return sorted;
}

function keyFor(change: RecordChange, next: NormalRecordSet | undefined, at: string): string {
  const { expected } = change;
  if (expected === null) {
    if (next === undefined) throw invalid('a change needs what is expected or what is next', at);
    return keyOf(next);
  }
  const key = keyOf({ name: canonicalName(expected.name) ?? expected.name, type: expected.type });
  if (next !== undefined && keyOf(next) !== key) throw invalid('a change is of one name and type', `${at}.next`);
  return key;
}

function assertChangeable(view: ZoneView, key: string, change: RecordChange, at: string): void {
  const [name = '', type] = key.split(' ');
  if (!isWithin(name, view.apex)) throw invalid(`${name} is not in the zone ${view.apex}`, `${at}.next.name`);
  if (type === 'SOA') {
    throw new ProviderError('unsupported', `the SOA of ${view.apex} is the server's own`, { path: at, effect: 'none' });
  }
  if (type === 'NS' && name === view.apex && change.next === null) {
    throw invalid(`${view.apex} needs name servers`, `${at}.next`);
  }
}

function assertExpected(current: NormalRecordSet | undefined, { expected }: RecordChange, key: string): void {
  const holds =
    expected === null
      ? current === undefined
      : current !== undefined && sameRecordSet(current, normalOrNothing(expected) ?? EMPTY);
  if (holds) return;
  const found =
    current === undefined
      ? 'it is not there'
      : `it is ${current.values.join(', ')} (TTL ${String(current.ttlSeconds)} s)`;
  throw new ProviderError('conflict', `${key} is not as expected: ${found}`, {
    effect: 'none',
    hint: 'read it again and decide anew',
  });
}

/** An expectation that can't be a record set is one that doesn't hold. */
function normalOrNothing(set: NonNullable<RecordChange['expected']>): NormalRecordSet | undefined {
  try {
    return normalRecordSet(set, 'expected');
  } catch {
    return undefined;
  }
}
const EMPTY: NormalRecordSet = { name: '', type: 'A', ttlSeconds: -1, values: [], data: [] };

/** RFC 1034 §3.6.2: a CNAME is alone at its name. An ALIAS stands for the addresses there. */
function assertCompatible(apex: string, sets: readonly NormalRecordSet[]): void {
  const types = Map.groupBy(sets, ({ name }) => name);
  for (const [name, here] of types) {
    const has = (type: string): boolean => here.some((set) => set.type === type);
    if (has('CNAME') && name === apex)
      throw invalid(`${name} is the zone's apex, where only an ALIAS can be`, 'changes');
    if (has('CNAME') && here.length > 1) throw invalid(`${name}: a CNAME is alone at its name`, 'changes');
    if (has('ALIAS') && (has('A') || has('AAAA')))
      throw invalid(`${name}: an ALIAS takes the place of A and AAAA`, 'changes');
  }
}

function keyOf({ name, type }: Pick<NormalRecordSet, 'name' | 'type'>): string {
  return `${name} ${type}`;
}

function invalid(message: string, path: string): ProviderError {
  return new ProviderError('invalid', message, { path, effect: 'none' });
}
