import { openCommand, mustRun, type Command } from '../environment/run-in.ts';
import type { ExecSession } from '../environment/environment.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import { PG_CONNECT, PSQL } from './presets.ts';
import type { SnapshotEnd } from './storage.ts';

/** Where a database's service is, and where the volume is in it. */
export type PostgresPlace = Pick<Command, 'driver' | 'environment' | 'service'> & { readonly mountPath: string };

const OUTPUT_BYTES = 1024 * 1024;

/**
 * An online backup of PostgreSQL. It begins and ends in one session, which the server ends by itself when that breaks off: writers are never
 * left waiting.
 * @see https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-LOWLEVEL-BASE-BACKUP
 */
export class PostgresBackup {
  private said = '';
  private ended = false;

  private constructor(
    private readonly session: ExecSession,
    private readonly folder: string,
  ) {
    void this.listen();
  }

  private wake: () => void = () => {};

  /** @throws ProviderError `unhealthy`: psql says why. */
  static async begin(place: PostgresPlace, call: Call): Promise<PostgresBackup> {
    const folder = await dataFolder(place, call);
    const session = await openCommand({ ...place, command: ['sh', '-c', `${PG_CONNECT}exec ${PSQL}`] }, call);
    const backup = new PostgresBackup(session, folder);
    // The server throws its log away behind each checkpoint: from here on it keeps what the copy will need. It is gone with the session.
    await backup.ask(
      "SELECT pg_create_physical_replication_slot('clusternator_' || pg_backend_pid(), true, true)",
      call,
    );
    // `fast`: an immediate checkpoint, spread over nothing, so that the backup begins now.
    await backup.ask("SELECT pg_backup_start('clusternator', true)", call);
    return backup;
  }

  /** Ends it. What it gives makes the copy whole; until it is, the session has to stay. */
  async end(call: Call): Promise<SnapshotEnd> {
    const label = await this.ask('SELECT labelfile FROM pg_backup_stop(false)', call);
    const inside = (path: string): string => (this.folder === '' ? path : `${this.folder}/${path}`);
    return {
      // Written while the copy was made, and needed up to the end of the backup.
      again: [inside('pg_wal')],
      files: { [inside('backup_label')]: `${label}\n` },
    };
  }

  /** Lets go: the server forgets the backup with its session, if it has not ended, and what it kept for it. */
  async release(): Promise<void> {
    await this.session.end().catch(() => undefined); // it may be gone already
  }

  private async ask(query: string, call: Call): Promise<string> {
    const mark = `-- clusternator ${String(Math.random()).slice(2)}`;
    const before = this.said.length;
    await this.session.write(Buffer.from(`${query};\n\\echo '${mark}'\n`));
    for (;;) {
      const text = this.said.slice(before);
      const end = text.indexOf(mark);
      if (end >= 0) return text.slice(0, end).trim();
      if (this.ended) throw new ProviderError('unhealthy', `psql ended: ${text.trim()}`);
      call.signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        call.signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }

  private async listen(): Promise<void> {
    try {
      for await (const bytes of this.session.output) {
        this.said = (this.said + Buffer.from(bytes).toString('utf8')).slice(0, OUTPUT_BYTES);
        this.wake();
      }
    } catch {
      // an aborted session: whoever asks is told by its own signal
    } finally {
      this.ended = true;
      this.wake();
    }
  }
}

/** Without a copy that takes a while, a checkpoint is enough: it shortens the recovery. */
export async function checkpoint(place: PostgresPlace, call: Call): Promise<void> {
  await mustRun({ ...place, command: ['sh', '-c', `${PG_CONNECT}${PSQL} -c CHECKPOINT`] }, 'write a checkpoint', call);
}

/** Relative to the volume. A process finds its volume behind a link. */
async function dataFolder(place: PostgresPlace, call: Call): Promise<string> {
  const script = `${PG_CONNECT}data=$(${PSQL} -c 'SHOW data_directory') && cd "$1" && pwd -P && cd "$data" && pwd -P`;
  const said = await mustRun(
    { ...place, command: ['sh', '-c', script, 'sh', place.mountPath] },
    'find the data of PostgreSQL',
    call,
  );
  const [volume = '', data = ''] = said.split('\n').map((line) => line.trim());
  if (data === volume) return '';
  if (data.startsWith(`${volume}/`)) return data.slice(volume.length + 1);
  throw new ProviderError('invalid', `PostgreSQL keeps its data in ${data}, and the volume is at ${volume}`, {
    path: 'volumes',
    hint: 'mount the volume where the data is',
  });
}
