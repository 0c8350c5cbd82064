import { checkKey, checkPrefix, checkValue, endOfPrefix, moved } from './rules.ts';
import { SqliteFile, type SqliteKind } from './sqlite-file.ts';
import type { StateStore } from './store.ts';

/** A store on this machine. Close it in the end. */
export interface EmbeddedStore extends StateStore {
  close(): void;
}

const PAGE = 500;

/** `revision` never comes back: AUTOINCREMENT gives no number twice, also not after the greatest was deleted. @see https://www.sqlite.org/autoinc.html */
export const STATE_STORE: SqliteKind = {
  what: 'state store',
  applicationId: 0x636c7573, // `clus`
  version: 1,
  synchronous: 'full',
  schema:
    'CREATE TABLE documents (revision INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, value TEXT NOT NULL) STRICT',
};

/**
 * The embedded store: one SQLite file (0600, in a folder of 0700) that any number of processes of this machine use at once.
 * It is opened at its first use, and made at its first put.
 * @throws Its methods throw `unsupported` (a newer version wrote it), `internal` (damaged: told, never overwritten), `denied` (read-only),
 *   `quota` (disk full), `unavailable` (locked for over 30 s), `owned-by-other` (another program's database), `conflict`, `invalid`.
 */
export function openSqliteStore(file: string, options: { readonly readOnly?: boolean } = {}): EmbeddedStore {
  const sqlite = new SqliteFile(file, STATE_STORE, options.readOnly);
  return {
    async get(key, call) {
      checkKey(key);
      return sqlite.read(`read the state document ${key}`, call, (sql) => {
        const row = sql('SELECT value, revision FROM documents WHERE key = ?').get(key);
        return row && { value: String(row.value), revision: String(row.revision) };
      });
    },
    async put(key, value, expected, call) {
      checkKey(key);
      checkValue(key, value);
      return sqlite.write(`write the state document ${key}`, call, (sql) => {
        const found = sql('SELECT revision FROM documents WHERE key = ?').get(key)?.revision;
        if ((found === undefined ? null : String(found)) !== expected) throw moved(key, expected, found?.toString());
        const write = sql('INSERT OR REPLACE INTO documents (key, value) VALUES (?, ?)');
        return String(write.run(key, value).lastInsertRowid);
      });
    },
    async delete(key, expected, call) {
      checkKey(key);
      return sqlite.write(`delete the state document ${key}`, call, (sql) => {
        const found = sql('SELECT revision FROM documents WHERE key = ?').get(key)?.revision?.toString();
        if (found !== expected) throw moved(key, expected, found);
        sql('DELETE FROM documents WHERE key = ?').run(key);
      });
    },
    async *list(prefix, call) {
      checkPrefix(prefix);
      let after = '';
      for (;;) {
        const from = after;
        const found = await sqlite.read(`list the state documents ${prefix}*`, call, (sql) =>
          sql('SELECT key, revision FROM documents WHERE key > ? AND key >= ? AND key < ? ORDER BY key LIMIT ?')
            .all(from, prefix, endOfPrefix(prefix), PAGE)
            .map((row) => ({ key: String(row.key), revision: String(row.revision) })),
        );
        yield* found ?? [];
        if (!found || found.length < PAGE) return;
        after = found.at(-1)?.key ?? '';
      }
    },
    close: () => sqlite.close(),
  };
}
