import { pathToFileURL } from 'node:url';
import type { DatabaseSync } from 'node:sqlite';
import { messageOf } from '../engine/thrown.ts';
import { isDamage, sqliteError } from './sqlite-error.ts';

/** A document as it was found, which may be any text. */
export interface SalvagedDocument {
  readonly key: string;
  readonly value: string;
}

/** Each finds what another may not, when a page in the middle is damaged. */
const WALKS = [
  'SELECT key, value FROM documents NOT INDEXED ORDER BY revision',
  'SELECT key, value FROM documents NOT INDEXED ORDER BY revision DESC',
] as const;

/**
 * What can be read of a state store, also of a damaged one or a newer one's. Nothing is written to it, nor beside it.
 * @param tell - Gets each problem met, in words.
 * @throws `internal`, when nothing at all can be read; `denied`.
 */
export async function* salvage(file: string, tell: (problem: string) => void): AsyncGenerator<SalvagedDocument> {
  const { DatabaseSync: Database } = process.getBuiltinModule('node:sqlite');
  const seen = new Set<string>();
  let failure: unknown;
  for (const { how, open } of waysToOpen(file, Database)) {
    try {
      using db = open();
      for (const found of documentsOf(db, (problem) => tell(`${file}${how}: ${problem}`))) {
        if (seen.has(found.key)) continue;
        seen.add(found.key);
        yield found;
      }
      return;
    } catch (error) {
      if (!isDamage(error)) failure = error;
      failure ??= error;
      tell(`${file}${how}: ${messageOf(error)}`);
    }
  }
  if (seen.size === 0) throw sqliteError(failure, 'read what is left of the state store', file);
}

/** Without its log it is older, but may be readable where the log is what is damaged. */
function waysToOpen(file: string, Database: typeof DatabaseSync) {
  const alone = pathToFileURL(file);
  alone.search = '?immutable=1';
  return [
    { how: '', open: () => new Database(file, { readOnly: true, timeout: 5000 }) },
    { how: ' without its log', open: () => new Database(alone, { readOnly: true }) },
  ];
}

function* documentsOf(db: DatabaseSync, tell: (problem: string) => void): Generator<SalvagedDocument> {
  let failed: unknown;
  for (const walk of WALKS) {
    try {
      for (const row of db.prepare(walk).iterate()) yield { key: String(row.key), value: String(row.value) };
      return;
    } catch (error) {
      failed = error;
      tell(messageOf(error));
    }
  }
  yield* byKey(db);
  throw failed;
}

/** Past the damaged pages, one document at a time. */
function* byKey(db: DatabaseSync): Generator<SalvagedDocument> {
  const keys = db.prepare('SELECT key FROM documents ORDER BY key').all();
  const read = db.prepare('SELECT value FROM documents WHERE key = ?');
  for (const row of keys) {
    const key = String(row.key);
    const value = attempt(() => read.get(key)?.value);
    if (value !== undefined) yield { key, value: String(value) };
  }
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined; // this one is lost, and the walk told so
  }
}
