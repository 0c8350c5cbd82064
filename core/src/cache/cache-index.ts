import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';

/** One folder of one part of a project, as it was saved last. */
export interface CacheEntry {
  /** Project and stage. */
  readonly owner: string;
  /** Relative to the checkout. */
  readonly path: string;
  /** The service or site whose build saved it. */
  readonly part: string;
  /** The name of the folder that holds it. */
  readonly folder: string;
  readonly bytes: number;
  /** Milliseconds since the epoch. */
  readonly usedAt: number;
}
const entrySchema = z.object({
  owner: z.string(),
  path: z.string(),
  part: z.string(),
  folder: z.string(),
  bytes: z.number(),
  usedAt: z.number(),
});
const BUSY_MILLISECONDS = 30_000;
const SCHEMA = `CREATE TABLE IF NOT EXISTS cache (
  owner TEXT NOT NULL, path TEXT NOT NULL, part TEXT NOT NULL, folder TEXT NOT NULL, bytes INTEGER NOT NULL, usedAt INTEGER NOT NULL,
  PRIMARY KEY (owner, path, part)) STRICT`;

/** Which folders hold which caches, for all processes of this machine. */
export class CacheIndex {
  private readonly database: DatabaseSync;

  constructor(file: string) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    this.database = new DatabaseSync(file, { timeout: BUSY_MILLISECONDS });
    this.database.exec(SCHEMA);
  }

  /** Nobody else reads or writes meanwhile; it all happens, or nothing does. */
  change<T>(work: () => T): T {
    this.database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.database.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.database.isTransaction) this.database.exec('ROLLBACK');
      throw error;
    }
  }

  /** The one that a part saved itself or, where it saved none yet, the newest of another part. */
  find(owner: string, path: string, part: string): CacheEntry | undefined {
    const query = 'SELECT * FROM cache WHERE owner = ? AND path = ? ORDER BY part = ? DESC, usedAt DESC LIMIT 1';
    return entrySchema.optional().parse(this.database.prepare(query).get(owner, path, part));
  }

  /** The longest unused first. */
  all(): readonly CacheEntry[] {
    return entrySchema.array().parse(this.database.prepare('SELECT * FROM cache ORDER BY usedAt').all());
  }

  put({ owner, path, part, folder, bytes, usedAt }: CacheEntry): void {
    this.database
      .prepare('INSERT OR REPLACE INTO cache (owner, path, part, folder, bytes, usedAt) VALUES (?, ?, ?, ?, ?, ?)')
      .run(owner, path, part, folder, bytes, usedAt);
  }

  /** Unless it was saved anew. */
  used({ folder }: CacheEntry, usedAt: number): void {
    this.database.prepare('UPDATE cache SET usedAt = ? WHERE folder = ?').run(usedAt, folder);
  }

  remove({ folder }: CacheEntry): void {
    this.database.prepare('DELETE FROM cache WHERE folder = ?').run(folder);
  }

  close(): void {
    this.database.close();
  }
}
