import { DatabaseSync } from 'node:sqlite';
import { ProviderError } from '@clusternator/core/provider';
import { z } from 'zod';
import { storedSpecSchema, type InstancesBody, type StoredSpec } from '../control/protocol.ts';
import { snapshotBodySchema, volumeBodySchema, type VolumeBody } from '../control/storage-protocol.ts';
import { slotBodySchema, storedRouteSchema, type SlotBody } from '../control/slot-protocol.ts';
import { messageOf } from '../control/failure.ts';

/** Raised with every change that an older daemon would misread. */
const SCHEMA_VERSION = 2;

const TABLES = `
  CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS environments (
    key TEXT PRIMARY KEY, project TEXT NOT NULL, stage TEXT NOT NULL, id TEXT NOT NULL, spec TEXT NOT NULL, sealed BLOB NOT NULL,
    address TEXT NOT NULL UNIQUE, phase TEXT NOT NULL, message TEXT, UNIQUE (project, stage, id)) STRICT;
  CREATE TABLE IF NOT EXISTS services (
    environment TEXT NOT NULL, name TEXT NOT NULL, prepared INTEGER NOT NULL DEFAULT 0, instances TEXT,
    PRIMARY KEY (environment, name)) STRICT;
  CREATE TABLE IF NOT EXISTS processes (
    pid INTEGER NOT NULL, start_ticks INTEGER NOT NULL, boot TEXT NOT NULL, environment TEXT NOT NULL,
    PRIMARY KEY (pid, start_ticks, boot)) STRICT;
  CREATE TABLE IF NOT EXISTS volumes (
    key TEXT PRIMARY KEY, project TEXT NOT NULL, stage TEXT NOT NULL, id TEXT NOT NULL, spec TEXT NOT NULL, backing TEXT,
    phase TEXT NOT NULL, UNIQUE (project, stage, id)) STRICT;
  CREATE TABLE IF NOT EXISTS snapshots (
    key TEXT PRIMARY KEY, project TEXT NOT NULL, stage TEXT NOT NULL, id TEXT NOT NULL, state TEXT NOT NULL,
    UNIQUE (project, stage, id)) STRICT;
  CREATE TABLE IF NOT EXISTS slots (
    key TEXT PRIMARY KEY, project TEXT NOT NULL, stage TEXT NOT NULL, id TEXT NOT NULL, spec TEXT NOT NULL, routing TEXT NOT NULL,
    UNIQUE (project, stage, id)) STRICT;
  CREATE TABLE IF NOT EXISTS zones (id TEXT PRIMARY KEY, zone TEXT NOT NULL) STRICT;
`;

/** Whose a resource is. */
export interface Scope {
  readonly project: string;
  readonly stage: string;
}
/** `key` names it on this machine: two projects may have equal ids. */
export interface EnvironmentRecord extends Scope {
  readonly key: string;
  readonly id: string;
  readonly spec: StoredSpec;
  readonly sealed: Uint8Array;
  /** Of the environment alone, in 127.64.0.0/10. */
  readonly address: string;
  readonly phase: 'creating' | 'active' | 'failed' | 'destroying';
  readonly message?: string;
}
export interface ProcessRecord {
  readonly pid: number;
  readonly startTicks: number;
  readonly boot: string;
  readonly environment: string;
}
/** `backing`: what holds its data, once something mounted it. */
export interface VolumeRecord extends Scope {
  readonly key: string;
  readonly id: string;
  readonly spec: VolumeBody;
  readonly backing?: 'folder' | 'engine';
  readonly phase: 'creating' | 'active' | 'destroying';
}
/** A volume's data at one moment. It outlives the volume. */
export interface SnapshotRecord extends Scope, z.output<typeof snapshotStateSchema> {
  readonly key: string;
  readonly id: string;
}
const snapshotStateSchema = z.strictObject({
  spec: snapshotBodySchema,
  phase: z.enum(['creating', 'active', 'failed', 'destroying']),
  message: z.string().exactOptional(),
  /** What held the volume's data, and will hold that of volumes made from it. Left out: there was none yet. */
  backing: z.enum(['folder', 'engine']).exactOptional(),
  /** How the data is kept: as files, as the archive that the Docker Engine gave, or as what a dump wrote. */
  form: z.enum(['files', 'archive', 'dump']),
  /** Held: all is copied, and it waits to be made whole. */
  isCopied: z.literal(true).exactOptional(),
  takenAt: z.string(),
  bytes: z.number().exactOptional(),
  /** Of the list of checksums. Left out: they are being made. */
  seal: z.string().exactOptional(),
  /** Of the machine when it was copied: what was in memory alone is gone after a restart. */
  boot: z.string(),
});
/** `written`: the routing that made `version`, so that it is known again. */
export interface SlotRecord extends Scope, z.output<typeof routingSchema> {
  readonly key: string;
  readonly id: string;
  readonly spec: SlotBody;
}
const routingSchema = z.strictObject({
  routes: z.array(storedRouteSchema).readonly(),
  stamp: z.string().exactOptional(),
  version: z.string(),
  written: z.strictObject({ from: z.string(), token: z.string() }).exactOptional(),
});

type Row = Record<string, unknown>;

/** What the daemon must not forget. Every change is on the disk before it is acknowledged. */
export class LocalDatabase {
  readonly #db: DatabaseSync;

  private constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** @throws ProviderError `unsupported` (written by a newer version), `internal` (damaged). */
  static open(file: string): LocalDatabase {
    try {
      const db = new DatabaseSync(file, { timeout: 5000 });
      const version = Number(db.prepare('PRAGMA user_version').get()?.user_version);
      if (version > SCHEMA_VERSION) {
        db.close();
        throw new ProviderError('unsupported', `${file} was written by a newer version of the local provider`, {
          hint: 'update clusternator',
        });
      }
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON');
      db.exec(`BEGIN; ${TABLES} PRAGMA user_version = ${String(SCHEMA_VERSION)}; COMMIT`);
      return new LocalDatabase(db);
    } catch (cause) {
      if (ProviderError.is(cause)) throw cause;
      throw new ProviderError('internal', `can't open the local provider's database ${file}: ${messageOf(cause)}`, {
        cause,
        hint: 'it was left as it is; restore it from a backup, or move it away to begin anew',
      });
    }
  }

  close(): void {
    this.#db.close();
  }

  setting(name: string): string | undefined {
    const row = this.#db.prepare('SELECT value FROM settings WHERE name = ?').get(name);
    return row && String(row.value);
  }
  setSetting(name: string, value: string): void {
    this.#db
      .prepare('INSERT INTO settings VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value')
      .run(name, value);
  }

  environments(): readonly EnvironmentRecord[] {
    return this.#db.prepare('SELECT * FROM environments ORDER BY rowid').all().map(environmentOf);
  }
  addEnvironment(record: EnvironmentRecord): void {
    const { key, project, stage, id, spec, sealed, address, phase } = record;
    this.#db
      .prepare('INSERT INTO environments VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)')
      .run(key, project, stage, id, JSON.stringify(spec), sealed, address, phase);
  }
  setEnvironmentPhase(key: string, phase: EnvironmentRecord['phase'], message?: string): void {
    this.#db.prepare('UPDATE environments SET phase = ?, message = ? WHERE key = ?').run(phase, message ?? null, key);
  }
  /** With all that is kept of it. */
  removeEnvironment(key: string): void {
    this.#transaction(() => {
      for (const table of ['services', 'processes']) {
        this.#db.prepare(`DELETE FROM ${table} WHERE environment = ?`).run(key);
      }
      this.#db.prepare('DELETE FROM environments WHERE key = ?').run(key);
    });
    this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  }

  /** Whether a service's source tree is there and installed. */
  isPrepared(environment: string, service: string): boolean {
    const row = this.#db
      .prepare('SELECT prepared FROM services WHERE environment = ? AND name = ?')
      .get(environment, service);
    return row?.prepared === 1;
  }
  setPrepared(environment: string, service: string): void {
    this.#db
      .prepare('INSERT INTO services VALUES (?, ?, 1, NULL) ON CONFLICT DO UPDATE SET prepared = 1')
      .run(environment, service);
  }
  /** Undefined: as the environment's spec says. */
  instances(environment: string, service: string): InstancesBody | undefined {
    const row = this.#db
      .prepare('SELECT instances FROM services WHERE environment = ? AND name = ?')
      .get(environment, service);
    const text = row?.instances;
    return typeof text === 'string'
      ? storedSpecSchema.shape.services.valueType.shape.instances.parse(JSON.parse(text))
      : undefined;
  }
  setInstances(environment: string, instances: Readonly<Record<string, InstancesBody>>): void {
    const statement = this.#db.prepare(
      'INSERT INTO services VALUES (?, ?, 0, ?) ON CONFLICT DO UPDATE SET instances = excluded.instances',
    );
    this.#transaction(() => {
      for (const [service, count] of Object.entries(instances))
        statement.run(environment, service, JSON.stringify(count));
    });
  }

  processes(): readonly ProcessRecord[] {
    return this.#db.prepare('SELECT * FROM processes').all().map(processOf);
  }
  addProcess(record: ProcessRecord): void {
    this.#db
      .prepare('INSERT OR REPLACE INTO processes VALUES (?, ?, ?, ?)')
      .run(record.pid, record.startTicks, record.boot, record.environment);
  }
  removeProcess(pid: number): void {
    this.#db.prepare('DELETE FROM processes WHERE pid = ?').run(pid);
  }

  volumes(): readonly VolumeRecord[] {
    return this.#db.prepare('SELECT * FROM volumes ORDER BY rowid').all().map(volumeOf);
  }
  putVolume(record: VolumeRecord): void {
    const { key, project, stage, id, spec, backing, phase } = record;
    this.#db
      .prepare('INSERT OR REPLACE INTO volumes VALUES (?, ?, ?, ?, ?, ?, ?)')
      .run(key, project, stage, id, JSON.stringify(spec), backing ?? null, phase);
  }
  removeVolume(key: string): void {
    this.#db.prepare('DELETE FROM volumes WHERE key = ?').run(key);
  }

  snapshots(): readonly SnapshotRecord[] {
    return this.#db.prepare('SELECT * FROM snapshots ORDER BY rowid').all().map(snapshotOf);
  }
  putSnapshot({ key, project, stage, id, ...state }: SnapshotRecord): void {
    this.#db
      .prepare('INSERT INTO snapshots VALUES (?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET state = excluded.state')
      .run(key, project, stage, id, JSON.stringify(state));
  }
  removeSnapshot(key: string): void {
    this.#db.prepare('DELETE FROM snapshots WHERE key = ?').run(key);
  }

  slots(): readonly SlotRecord[] {
    return this.#db.prepare('SELECT * FROM slots ORDER BY rowid').all().map(slotOf);
  }
  putSlot({ key, project, stage, id, spec, ...routing }: SlotRecord): void {
    this.#db
      .prepare('INSERT OR REPLACE INTO slots VALUES (?, ?, ?, ?, ?, ?)')
      .run(key, project, stage, id, JSON.stringify(spec), JSON.stringify(routing));
  }
  removeSlot(key: string): void {
    this.#db.prepare('DELETE FROM slots WHERE key = ?').run(key);
  }

  /** As JSON, by id. */
  zones(): readonly string[] {
    return this.#db
      .prepare('SELECT zone FROM zones ORDER BY rowid')
      .all()
      .map((row) => String(row.zone));
  }
  putZone(id: string, zone: string): void {
    this.#db
      .prepare('INSERT INTO zones VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET zone = excluded.zone')
      .run(id, zone);
  }
  removeZone(id: string): void {
    this.#db.prepare('DELETE FROM zones WHERE id = ?').run(id);
  }

  #transaction(work: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#db.exec('COMMIT');
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    }
  }
}

function environmentOf(row: Row): EnvironmentRecord {
  return {
    ...namesOf(row),
    spec: storedSpecSchema.parse(JSON.parse(String(row.spec))),
    sealed: row.sealed instanceof Uint8Array ? row.sealed : new Uint8Array(),
    address: String(row.address),
    phase: oneOf(row.phase, ['creating', 'active', 'failed', 'destroying']),
    ...(typeof row.message === 'string' && { message: row.message }),
  };
}

function volumeOf(row: Row): VolumeRecord {
  return {
    ...namesOf(row),
    spec: volumeBodySchema.parse(JSON.parse(String(row.spec))),
    ...(row.backing !== null && { backing: oneOf(row.backing, ['folder', 'engine']) }),
    phase: oneOf(row.phase, ['creating', 'active', 'destroying']),
  };
}

function snapshotOf(row: Row): SnapshotRecord {
  return { ...namesOf(row), ...snapshotStateSchema.parse(JSON.parse(String(row.state))) };
}

function slotOf(row: Row): SlotRecord {
  return {
    ...namesOf(row),
    spec: slotBodySchema.parse(JSON.parse(String(row.spec))),
    ...routingSchema.parse(JSON.parse(String(row.routing))),
  };
}

function processOf(row: Row): ProcessRecord {
  return {
    pid: Number(row.pid),
    startTicks: Number(row.start_ticks),
    boot: String(row.boot),
    environment: String(row.environment),
  };
}

function namesOf(row: Row): Scope & { readonly key: string; readonly id: string } {
  return {
    key: String(row.key),
    project: String(row.project),
    stage: String(row.stage),
    id: String(row.id),
  };
}

function oneOf<T extends string>(value: unknown, known: readonly T[]): T {
  const found = known.find((it) => it === value);
  if (found === undefined)
    throw new Error(`the database holds ${String(value)} where one of ${known.join(', ')} belongs`);
  return found;
}
