import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  openSync,
  closeSync,
  fsyncSync,
  readdirSync,
  rmSync,
  statSync,
  type Stats,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { throwIfAborted } from '../engine/call.ts';
import { systemClock } from '../engine/clock.ts';
import { identityOf, livenessOf } from '../engine/identity.ts';
import { systemCodeOf } from '../engine/thrown.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import { damaged, isBusy, sqliteError } from './sqlite-error.ts';
import { Write, type Sql } from './sqlite-write.ts';

/** What a file of ours is, and how it is made. */
export interface SqliteKind {
  /** For messages: `state store`. */
  readonly what: string;
  /** Tells our files from those of other programs. */
  readonly applicationId: number;
  /** Of the tables. A file with a higher one is refused. */
  readonly version: number;
  readonly schema: string;
  /** `full`: what was committed outlives a power cut. `off`: only the process's own end. */
  readonly synchronous: 'full' | 'off';
}

/** SQLite waits this long by itself, and blocks the process; the rest is waited for without blocking. */
const BLOCKING_WAIT_MS = 20;
const LONGEST_WAIT_SECONDS = 30;

/** SQLite takes a shorter file for one that is still to be filled. */
const SMALLEST_PAGE = 512;

/** One SQLite database that many processes write, opened at its first use. */
export class SqliteFile {
  private opened:
    { readonly db: DatabaseSync; readonly statements: Map<string, StatementSync>; readonly inode: number } | undefined;
  private closed = false;
  private readonly waiting: Write[] = [];

  constructor(
    private readonly file: string,
    private readonly kind: SqliteKind,
    private readonly readOnly = false,
  ) {}

  /** Undefined where there is no file yet: reading makes none. */
  read<T>(doing: string, call: Pick<Call, 'signal'>, work: (sql: Sql) => T): Promise<T | undefined> {
    return this.patiently(doing, call, async () => {
      if (!this.opened && !statOf(this.file)) {
        this.refuseStrayLog(doing);
        return undefined;
      }
      const { statements, db } = await this.open(doing);
      return work((text) => prepared(db, statements, text));
    });
  }

  /**
   * In one transaction, which is rolled back when `work` throws. Those that come at the same time share it: each has an outcome of its own,
   * and all of them together wait for the disk once.
   */
  write<T>(doing: string, call: Pick<Call, 'signal'>, work: (sql: Sql) => T): Promise<T> {
    if (this.readOnly)
      return Promise.reject(new ProviderError('denied', `${doing}: ${this.file} was opened for reading only`));
    if (this.waiting.length === 0) setImmediate(() => void this.writeAll(this.waiting.splice(0)));
    return new Promise((resolve, reject) => {
      const attempt = (sql: Sql) => {
        const result = work(sql);
        return () => {
          resolve(result);
        };
      };
      this.waiting.push(new Write(doing, call.signal, attempt, reject));
    });
  }

  private async writeAll(writes: readonly Write[]): Promise<void> {
    const until = systemClock.monotonicSeconds() + LONGEST_WAIT_SECONDS;
    for (;;) {
      const wanted = writes.filter((one) => one.isWanted());
      const [first] = wanted;
      if (!first) return;
      try {
        await this.transact(first.doing, wanted);
        for (const one of wanted) one.succeed();
        return;
      } catch (error) {
        const isLate = systemClock.monotonicSeconds() > until;
        if (isBusy(error) && !isLate) {
          await pause();
          continue;
        }
        if (wanted.length === 1) first.fail(sqliteError(error, first.doing, this.file));
        // One of them is at fault; the others are not to fail with it.
        else await Promise.all(wanted.map((one) => this.writeAll([one])));
        return;
      }
    }
  }

  private async transact(doing: string, writes: readonly Write[]): Promise<void> {
    const { statements, db } = await this.open(doing, true);
    db.exec('BEGIN IMMEDIATE');
    try {
      this.checkVersion(db); // another version of the tool may have changed it since it was opened
      for (const one of writes) one.run(db, (text) => prepared(db, statements, text));
      db.exec('COMMIT');
    } catch (error) {
      rollBack(db);
      throw error;
    }
  }

  close(): void {
    this.closed = true;
    this.opened?.db.close();
    this.opened = undefined;
  }

  private async open(doing: string, forWriting = false): Promise<NonNullable<SqliteFile['opened']>> {
    const { DatabaseSync: Database } = process.getBuiltinModule('node:sqlite'); // nothing may wait below, or it would be opened twice
    if (this.closed)
      throw new ProviderError('internal', `${doing}: ${this.file} was closed before`, { effect: 'none' });
    const found = statOf(this.file);
    if (this.opened && this.opened.inode === found?.ino) return this.opened;
    if (this.opened) throw this.replaced(doing);
    if (!found) this.refuseStrayLog(doing);
    if (!found && forWriting) this.create(Database);
    const stats = statSync(this.file);
    if (stats.isFile() && stats.size < SMALLEST_PAGE)
      throw damaged(this.file, doing, `it has only ${stats.size} bytes`);
    const db = new Database(this.file, { readOnly: this.readOnly, timeout: BLOCKING_WAIT_MS });
    try {
      this.checkVersion(db);
      if (!this.readOnly && (stats.mode & 0o077) !== 0) chmodSync(this.file, 0o600);
      if (!this.readOnly) db.exec(`PRAGMA synchronous = ${this.kind.synchronous}`);
    } catch (error) {
      db.close();
      throw error;
    }
    this.opened = { db, statements: new Map(), inode: stats.ino };
    return this.opened;
  }

  /** Whole or not at all: it is made under another name, so that an empty or half file is always damage, never somebody's beginning. */
  private create(Database: typeof DatabaseSync): void {
    mkdirSync(dirname(this.file), { recursive: true, mode: 0o700 });
    removeDeadDrafts(this.file);
    const draft = `${this.file}.${process.pid}-${randomBytes(4).toString('hex')}.new`;
    try {
      closeSync(openSync(draft, 'wx', 0o600)); // SQLite itself would make it as the umask says
      const db = new Database(draft);
      try {
        db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN');
        db.exec(this.kind.schema);
        db.exec(
          `PRAGMA application_id = ${this.kind.applicationId}; PRAGMA user_version = ${this.kind.version}; COMMIT`,
        );
      } finally {
        db.close();
      }
      syncFile(draft);
      publish(draft, this.file);
    } finally {
      for (const rest of ['', '-wal', '-shm', '-journal']) rmSync(draft + rest, { force: true });
    }
  }

  private checkVersion(db: DatabaseSync): void {
    const { what, applicationId, version } = this.kind;
    const id = pragma(db, 'application_id');
    const found = pragma(db, 'user_version');
    if (id !== applicationId) {
      throw new ProviderError(
        'owned-by-other',
        `${this.file} is a database of another program, not a ${what}; it was left as it is`,
        {
          path: this.file,
          hint: 'Move it away, or set CLUSTERNATOR_STATE_HOME to another folder.',
        },
      );
    }
    if (found === version) return;
    throw new ProviderError(
      'unsupported',
      `the ${what} ${this.file} has version ${found}; this clusternator knows version ${version}`,
      {
        path: this.file,
        hint:
          found > version
            ? 'A newer clusternator wrote it. Upgrade this one: npm install clusternator@latest'
            : 'A trial version wrote it. Move it away, then `clusternator state rebuild` makes the state again from what runs.',
      },
    );
  }

  /** A log of changes without its database would be played into a new one. */
  private refuseStrayLog(doing: string): void {
    const log = statOf(`${this.file}-wal`);
    if (log && log.size > 0 && !statOf(this.file))
      throw damaged(this.file, doing, 'it is missing, while its log is there');
  }

  private replaced(doing: string): ProviderError {
    return new ProviderError('unavailable', `${doing}: ${this.file} was removed or replaced while it was in use`, {
      effect: 'none',
      path: this.file,
      hint: 'Run the same command again. What was written to the removed file is lost with it.',
    });
  }

  /** Waits for other writers without blocking the process. */
  private async patiently<T>(doing: string, call: Pick<Call, 'signal'>, work: () => Promise<T>): Promise<T> {
    const until = systemClock.monotonicSeconds() + LONGEST_WAIT_SECONDS;
    for (;;) {
      throwIfAborted(call.signal, doing);
      try {
        return await work();
      } catch (error) {
        if (!isBusy(error) || systemClock.monotonicSeconds() > until) throw sqliteError(error, doing, this.file);
        await pause(call.signal);
      }
    }
  }
}

/** Until whoever writes may be done. An abort ends it early, and is told by whoever looks next. */
async function pause(signal?: AbortSignal): Promise<void> {
  await systemClock.sleep(0.002 + Math.random() * 0.03, signal).catch(() => {});
}

function rollBack(db: DatabaseSync): void {
  try {
    if (db.isTransaction) db.exec('ROLLBACK');
  } catch {
    // SQLite did so by itself; the error that led here is the one to tell
  }
}

function prepared(db: DatabaseSync, statements: Map<string, StatementSync>, text: string): StatementSync {
  const known = statements.get(text);
  if (known) return known;
  const made = db.prepare(text);
  statements.set(text, made);
  return made;
}

function pragma(db: DatabaseSync, name: string): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
}

/** Of processes that were killed while they made one. */
function removeDeadDrafts(file: string): void {
  for (const name of readdirSync(dirname(file))) {
    const pid = name.startsWith(`${basename(file)}.`) && /\.(\d+)-[0-9a-f]{8}\.new/.exec(name)?.[1];
    if (pid && livenessOf(identityOf(Number(pid))) === 'dead') rmSync(join(dirname(file), name), { force: true });
  }
}

function statOf(file: string): Stats | undefined {
  return statSync(file, { throwIfNoEntry: false }); // a folder that may not be looked into is an error, not absence
}

function syncFile(file: string): void {
  const handle = openSync(file, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Gives the finished file its name, unless another process was first. */
function publish(draft: string, file: string): void {
  try {
    linkSync(draft, file);
    syncFile(dirname(file));
  } catch (error) {
    if (systemCodeOf(error) !== 'EEXIST') throw error;
  }
}
