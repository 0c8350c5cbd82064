import { readdirSync } from 'node:fs';
import path from 'node:path';

import { DatabaseProject } from './database-project.ts';
import { ensureDebianImage } from './debian-image.ts';
import { Sandbox } from './sandbox.ts';

/** How a database runs: beside the daemon, or on the Docker Engine. */
export type Place = 'process' | 'container';

/** Debian keeps the programs of each version apart, and out of PATH. */
const VERSIONS = '/usr/lib/postgresql';

/** PostgreSQL refuses to run as root: it is shown another number for the user that it is. */
const AS_NOBODY = process.getuid?.() === 0 ? 'unshare --user --map-user=1000 --map-group=1000' : '';
const AS_POSTGRES = 'setpriv --reuid=postgres --regid=postgres --clear-groups';
const CLUSTER = '-U app -A trust --no-sync --wal-segsize=4';
const SETTINGS = '-c checkpoint_timeout=30s -c max_wal_size=64MB';

/** The cluster that volumes begin with. To make one takes its time. */
const INSTALL: Readonly<Record<Place, string>> = {
  process: `set -e
[ -e template/PG_VERSION ] || ${AS_NOBODY} initdb -D template ${CLUSTER} >/dev/null
`,
  container: `set -e
mkdir template && chown postgres template
${AS_POSTGRES} initdb -D template ${CLUSTER} >/dev/null
`,
};
/** A copy of a running server has its lock file, with a process in it that is another's by now. */
const START: Readonly<Record<Place, string>> = {
  process: `set -e
[ -e data/pg ] || { rm -rf data/new; cp -a template data/new; mv data/new data/pg; }
rm -f data/pg/postmaster.pid
exec ${AS_NOBODY} postgres -D data/pg -h "$HOST" -p "$PORT" -c unix_socket_directories= ${SETTINGS}
`,
  container: `set -e
[ -e data/pg ] || { rm -rf data/new; cp -a template data/new; mv data/new data/pg; }
mkdir -p /var/run/postgresql && chown postgres /var/run/postgresql
exec ${AS_POSTGRES} postgres -D data/pg -h 0.0.0.0 ${SETTINGS}
`,
};

const SERVICE = 'port: 5432, protocol: tcp, env: { PGUSER: app, PGDATABASE: postgres }';
const SERVICES: Readonly<Record<Place, string>> = {
  process: `{ install: sh install.sh, command: sh start.sh, volumes: { data: data }, ${SERVICE} }`,
  container: `{ build: ., volumes: { data: /srv/data }, ${SERVICE} }`,
};
const DOCKERFILE = `FROM IMAGE
ENV PATH=PROGRAMS:/usr/bin
WORKDIR /srv
COPY install.sh .
RUN sh install.sh
COPY . .
CMD ["sh", "start.sh"]
`;

/** What every script of the service begins with. As a process it has an address of its own, in a container the usual socket. */
export const CONNECT = `export PGHOST="\${HOST:-}" PGPORT="$PORT"
i=0; until pg_isready -q; do i=$((i+1)); [ $i -lt 600 ] || exit 1; sleep 0.1; done
`;

/** A project whose one service is a PostgreSQL of Debian, with its data in a volume. */
export class PostgresProject extends DatabaseProject {
  protected override readonly connect = CONNECT;

  /** @param more - What the config has beside the service: its volume `data`, slots. */
  static async open(
    place: Place,
    more: string,
    files: Readonly<Record<string, string>> = {},
  ): Promise<PostgresProject> {
    const [version = ''] = readdirSync(VERSIONS).sort((a, b) => Number(b) - Number(a));
    const programs = path.join(VERSIONS, version, 'bin');
    const sandbox = await Sandbox.open();
    sandbox.env.PATH = `${programs}:${sandbox.env.PATH}`;
    const image =
      place === 'container' && ensureDebianImage('postgres', [`postgresql-${version}`, `postgresql-client-${version}`]);
    const repository = await sandbox.repositoryOf({
      'clusternator.config.yaml': `project: PROJECT\nprovider: local\nservices:\n  db: ${SERVICES[place]}\ncache: [template]\n${more}`,
      'install.sh': INSTALL[place],
      'start.sh': START[place],
      ...(image && { Dockerfile: DOCKERFILE.replace('IMAGE', image).replace('PROGRAMS', programs) }),
      ...files,
    });
    return new PostgresProject(sandbox, repository);
  }

  query(environment: string, sql: string): Promise<string> {
    return this.script(environment, `psql -XAtq -v ON_ERROR_STOP=1 <<'END'\n${sql}\nEND\n`);
  }
}
