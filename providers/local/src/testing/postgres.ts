import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Environment, ServiceSpec, Volume } from '@clusternator/core/provider';
import type { Specs } from './specs.ts';

const run = promisify(execFile);

/** Debian keeps the programs of each version apart, and out of PATH. */
const VERSIONS = '/usr/lib/postgresql';
const [newest = ''] = readdirSync(VERSIONS).sort((a, b) => Number(b) - Number(a));
const PROGRAMS = path.join(VERSIONS, newest, 'bin');

/** PostgreSQL refuses to run as root: it is shown another number for the user that it is. */
const AS_NOBODY = process.getuid?.() === 0 ? 'unshare --user --map-user=1000 --map-group=1000' : '';

/** A copy of a running server has its lock file, with a process in it that is another's by now. */
const START = `
set -e
PATH=${PROGRAMS}:$PATH
[ -e data/pg/PG_VERSION ] || ${AS_NOBODY} initdb -D data/pg -U app -A trust --no-sync >/dev/null
rm -f data/pg/postmaster.pid
exec ${AS_NOBODY} postgres -D data/pg -h "$HOST" -p "$PORT" -c unix_socket_directories= -c checkpoint_timeout=30s
`;

/** A PostgreSQL of Debian as a process, with its data in a volume. */
export function postgresService(specs: Specs, volume: Volume): ServiceSpec {
  return specs.service({
    artefact: specs.tree({ start: START }),
    command: ['sh', 'start'],
    port: 5432,
    protocol: 'tcp',
    mounts: { '/data': { volume, readOnly: false } },
  });
}

/** Speaks with the server of an environment. */
export class Postgres {
  readonly #at: readonly string[];

  constructor(environment: Environment) {
    this.#at = ['-h', environment.address?.value ?? '', '-p', '5432', '-U', 'app'];
  }

  /** @returns What it printed. */
  async run(program: 'psql' | 'pgbench' | 'pg_amcheck', ...args: readonly string[]): Promise<string> {
    const { stdout } = await run(path.join(PROGRAMS, program), [...this.#at, ...args]);
    return stdout.trim();
  }

  query(sql: string): Promise<string> {
    return this.run('psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', 'postgres', '-c', sql);
  }

  /** Work without an end. */
  load(): ChildProcess {
    const args = [...this.#at, '-n', '-c', '2', '-T', '3600', 'postgres'];
    return spawn(path.join(PROGRAMS, 'pgbench'), args, { stdio: 'ignore' });
  }

  /** One connection, for whoever needs the same for several statements. */
  session(): PostgresSession {
    const args = [...this.#at, '-XAtq', '-d', 'postgres'];
    return new PostgresSession(spawn(path.join(PROGRAMS, 'psql'), args, { stdio: ['pipe', 'pipe', 'inherit'] }));
  }
}

const END = '-- end of the answer --';

export class PostgresSession {
  readonly #psql: ChildProcess;
  #words = '';

  constructor(psql: ChildProcess) {
    this.#psql = psql;
    psql.stdin?.on('error', () => undefined);
  }

  /** One statement after the other. */
  ask(sql: string): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const onData = (bytes: Buffer): void => {
      this.#words += bytes.toString();
      const end = this.#words.indexOf(END);
      if (end === -1) return;
      const answer = this.#words.slice(0, end).trimEnd();
      this.#words = this.#words.slice(end + END.length + 1);
      this.#psql.stdout?.off('data', onData);
      this.#psql.off('exit', onExit);
      resolve(answer);
    };
    const onExit = (): void => {
      reject(new Error('the connection was lost'));
    };
    this.#psql.once('exit', onExit);
    this.#psql.stdout?.on('data', onData);
    this.#psql.stdin?.write(`${sql};\n\\echo '${END}'\n`);
    return promise;
  }

  end(): void {
    this.#psql.kill('SIGKILL');
  }
}
