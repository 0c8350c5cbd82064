import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { ProviderError } from '../provider/error.ts';
import { fileError, systemError } from './files.ts';

/** What is known of an artefact that is in the store. */
export interface StoredArtefact {
  readonly digest: string;
  readonly bytes: number;
  /** Of its files when they were last checked. */
  readonly seal: string;
  /** JSON of whoever added it. */
  readonly notes: string;
}
const artefactRow = z.object({ digest: z.string(), bytes: z.number(), seal: z.string(), notes: z.string() });
const SCHEMA_VERSION = 1;
const BUSY_MILLISECONDS = 30_000;
const SCHEMA = `
  CREATE TABLE artefact (digest TEXT PRIMARY KEY, bytes INTEGER NOT NULL, seal TEXT NOT NULL, notes TEXT NOT NULL) STRICT;
  CREATE TABLE reference (digest TEXT NOT NULL REFERENCES artefact, owner TEXT NOT NULL, PRIMARY KEY (digest, owner)) STRICT;
  CREATE INDEX reference_by_owner ON reference (owner);
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** Which artefacts there are and who uses them, for all processes of this machine: every change is a transaction of its own. */
export class References {
  private readonly database: DatabaseSync;

  /** @throws ProviderError `denied`, `quota`, `unsupported` (of a newer version), `internal` (damaged). */
  constructor(private readonly file: string) {
    try {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      this.database = new DatabaseSync(file, { timeout: BUSY_MILLISECONDS });
    } catch (error) {
      throw databaseError(error, file);
    }
    try {
      this.prepare();
    } catch (error) {
      this.close();
      throw databaseError(error, file);
    }
  }

  /** Nobody else reads or writes meanwhile; it all happens, or nothing does. */
  change<T>(work: () => T): T {
    try {
      this.database.exec('BEGIN IMMEDIATE');
    } catch (error) {
      throw databaseError(error, this.file);
    }
    try {
      const result = work();
      this.database.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.database.isTransaction) this.database.exec('ROLLBACK');
      throw databaseError(error, this.file);
    }
  }

  find(digest: string): StoredArtefact | undefined {
    return artefactRow.optional().parse(this.database.prepare('SELECT * FROM artefact WHERE digest = ?').get(digest));
  }

  put({ digest, bytes, seal, notes }: StoredArtefact): void {
    const upsert = `INSERT INTO artefact (digest, bytes, seal, notes) VALUES (?, ?, ?, ?)
      ON CONFLICT (digest) DO UPDATE SET bytes = excluded.bytes, seal = excluded.seal, notes = excluded.notes`;
    this.database.prepare(upsert).run(digest, bytes, seal, notes);
  }

  remove(digest: string): void {
    this.database.prepare('DELETE FROM artefact WHERE digest = ?').run(digest);
  }

  refer(digest: string, owner: string): void {
    this.database.prepare('INSERT OR IGNORE INTO reference (digest, owner) VALUES (?, ?)').run(digest, owner);
  }

  unrefer(owner: string): void {
    this.database.prepare('DELETE FROM reference WHERE owner = ?').run(owner);
  }

  unreferenced(): readonly StoredArtefact[] {
    const query = 'SELECT * FROM artefact WHERE digest NOT IN (SELECT digest FROM reference)';
    return artefactRow.array().parse(this.database.prepare(query).all());
  }

  owners(): readonly string[] {
    const rows = this.database.prepare('SELECT DISTINCT owner FROM reference ORDER BY owner').all();
    return z
      .object({ owner: z.string() })
      .array()
      .parse(rows)
      .map(({ owner }) => owner);
  }

  close(): void {
    if (this.database.isOpen) this.database.close();
  }

  private prepare(): void {
    if (this.version() === SCHEMA_VERSION) return;
    this.change(() => {
      const version = this.version();
      if (version === 0) this.database.exec(SCHEMA);
      if (version <= SCHEMA_VERSION) return;
      throw new ProviderError('unsupported', `${this.file} was written by a newer version of Clusternator`, {
        hint: 'use that version, or another CLUSTERNATOR_STATE_HOME for this one',
      });
    });
  }

  private version(): number {
    const row = z.object({ user_version: z.number() }).parse(this.database.prepare('PRAGMA user_version').get());
    return row.user_version;
  }
}

/** @see https://www.sqlite.org/rescode.html (the primary code is the lowest byte) */
function databaseError(error: unknown, file: string): unknown {
  const known = ProviderError.is(error) ? undefined : systemError(error);
  if (known?.code !== 'ERR_SQLITE_ERROR') return fileError(error, `open ${file}`);
  const primary = typeof error === 'object' && error && 'errcode' in error ? Number(error.errcode) & 0xff : 1;
  const message = `could not use ${file}: ${known.message}`;
  if (primary === 13)
    return new ProviderError('quota', message, { hint: 'free some disk space, then run it again', cause: error });
  if (primary === 5 || primary === 6)
    return new ProviderError('unavailable', message, { effect: 'none', retry: 'safe', cause: error });
  if (primary === 8 || primary === 14 || primary === 3) {
    return new ProviderError('denied', message, {
      hint: 'see that this user may write to the state folder',
      cause: error,
    });
  }
  if (primary === 11 || primary === 26) {
    const hint = 'keep a copy of it; without it artefacts are built again when they are needed';
    return new ProviderError('internal', `${file} is damaged: ${known.message}`, {
      effect: 'none',
      hint,
      cause: error,
    });
  }
  return new ProviderError('internal', message, { cause: error });
}
