import { ProviderError } from '../provider/error.ts';
import type { QuiesceRule } from './documents.ts';

/** How one snapshot is made consistent. */
export type Quiesce =
  | { readonly how: 'none'; readonly label: string }
  | {
      readonly how: 'commands';
      readonly label: string;
      readonly before: readonly string[];
      readonly after?: readonly string[];
      readonly withinSeconds: number;
      readonly service?: string;
    }
  /** An online backup of PostgreSQL: begun and ended in one session. */
  | { readonly how: 'postgres'; readonly label: string }
  | {
      readonly how: 'dump';
      readonly label: string;
      readonly dump: readonly string[];
      readonly restore?: readonly string[];
      readonly service?: string;
    };

const shell = (script: string): readonly string[] => ['sh', '-c', script];

/** A process is told its own address in HOST and PORT, and listens there. In a container a server is at the usual place. */
const atHost = (script: string): string => `if [ -n "\${HOST:-}" ]; then ${script}; fi; `;

/** Before any of PostgreSQL's programs. A server that takes connections already may still replay its log: then it is waited for. */
export const PG_CONNECT = `${atHost('export PGHOST="${PGHOST:-$HOST}" PGPORT="${PGPORT:-$PORT}"')}i=0; while pg_isready -q 2>/dev/null; [ $? -eq 1 ] && [ $i -lt 600 ]; do i=$((i+1)); sleep 1; done; `;
/** Finds the database as the official images and libpq's own variables name it. */
export const PSQL = `psql -X -q -A -t -v ON_ERROR_STOP=1 -U "\${PGUSER:-\${POSTGRES_USER:-postgres}}" -d "\${PGDATABASE:-\${POSTGRES_DB:-postgres}}"`;
const PG_USER = '-U "${PGUSER:-${POSTGRES_USER:-postgres}}"';
/** What a new server has already, and what whoever reads the dump is connected to or is: the rest of the dump sees to both. */
const PG_EXPECTED =
  'ERROR: +(current user cannot be dropped|cannot drop the currently open database|(role|database) ".*" already exists)$';
const PG_READ = `said=$(PGOPTIONS='-c lc_messages=C' psql -X -q ${PG_USER} -d postgres 2>&1 >/dev/null); code=$?; bad=$(printf '%s\n' "$said" | grep -E '(ERROR|FATAL|PANIC): ' | grep -vE '${PG_EXPECTED}'); [ $code -eq 0 ] && [ -z "$bad" ] || { printf '%s\n' "\${bad:-$said}" | head -n 20; exit 1; }`;
const MYSQL_LOGIN = `${atHost('set -- -h "$HOST" -P "$PORT"')}p="\${MYSQL_ROOT_PASSWORD:-\${MARIADB_ROOT_PASSWORD:-}}"; [ -n "$p" ] && export MYSQL_PWD="$p"; u="\${MYSQL_USER_NAME:-root}";`;
const first = (names: readonly string[]): string =>
  `c=; for n in ${names.join(' ')}; do command -v $n >/dev/null 2>&1 && { c=$n; break; }; done; [ -n "$c" ] || { echo "none of ${names.join(', ')} is installed" >&2; exit 127; };`;
const REDIS = `${first(['redis-cli', 'valkey-cli'])} ${atHost('c="$c -h $HOST -p $PORT"')}`;
const REDIS_WAIT_SECONDS = 600;

/** What tells which database a service runs. */
export interface ServiceHints {
  readonly image?: string;
  readonly command?: readonly string[];
  readonly variables?: readonly string[];
}

/**
 * What a rule of the config comes to for the service that mounts the volume.
 * @throws ProviderError `invalid`: the image tells nothing of what is in it.
 */
export function resolveQuiesce(rule: QuiesceRule, service: ServiceHints): Quiesce {
  if (typeof rule === 'object') {
    const where = rule.service === undefined ? {} : { service: rule.service };
    if ('dump' in rule)
      return { how: 'dump', label: 'dump', dump: rule.dump, ...(rule.restore && { restore: rule.restore }), ...where };
    return {
      how: 'commands',
      label: 'commands',
      before: rule.before,
      after: rule.after,
      withinSeconds: rule.within,
      ...where,
    };
  }
  return rule === 'auto' ? detected(service) : PRESETS[rule];
}

const PRESETS: Readonly<Record<Exclude<QuiesceRule, object | 'auto'>, Quiesce>> = {
  none: { how: 'none', label: 'none' },
  postgres: { how: 'postgres', label: 'postgres' },
  pg_dump: {
    how: 'dump',
    label: 'pg_dump',
    // @see https://www.postgresql.org/docs/current/app-pg-dumpall.html (all databases, and the roles that own them)
    dump: shell(`${PG_CONNECT}exec pg_dumpall --clean --if-exists ${PG_USER}`),
    restore: shell(`${PG_CONNECT}${PG_READ}`),
  },
  mysql: {
    how: 'dump',
    label: 'mysql',
    // @see https://dev.mysql.com/doc/refman/8.4/en/mysqldump.html#option_mysqldump_single-transaction
    dump: shell(
      `${MYSQL_LOGIN} ${first(['mariadb-dump', 'mysqldump'])} exec $c "$@" -u "$u" --single-transaction --quick --routines --events --triggers --all-databases`,
    ),
    restore: shell(`${MYSQL_LOGIN} ${first(['mariadb', 'mysql'])} exec $c "$@" -u "$u"`),
  },
  redis: {
    how: 'commands',
    label: 'redis',
    // @see https://redis.io/docs/latest/commands/bgsave/ (it forks: writers go on, and the file is renamed into place)
    before: shell(
      `${REDIS} i=0; until $c BGSAVE | grep -qi started; do i=$((i+1)); [ $i -gt ${String(REDIS_WAIT_SECONDS)} ] && exit 1; sleep 1; done; while $c INFO persistence | grep -q 'rdb_bgsave_in_progress:1'; do i=$((i+1)); [ $i -gt ${String(REDIS_WAIT_SECONDS)} ] && exit 1; sleep 1; done; $c INFO persistence | grep -q 'rdb_last_bgsave_status:ok'`,
    ),
    withinSeconds: REDIS_WAIT_SECONDS,
  },
};

const IMAGES: readonly (readonly [RegExp, keyof typeof PRESETS])[] = [
  [/(?:^|[\s/_-])(?:postgres|postgis|timescaledb|pgvector)/, 'postgres'],
  [/(?:^|[\s/_-])(?:mysql|mariadb|percona)/, 'mysql'],
  [/(?:^|[\s/_-])(?:redis|valkey)/, 'redis'],
];

const VARIABLES: readonly (readonly [RegExp, keyof typeof PRESETS])[] = [
  [/^POSTGRES_|^PGDATA$/, 'postgres'],
  [/^(?:MYSQL|MARIADB)_/, 'mysql'],
];

/** By the name of the image or of the program, else by the variables that the official images know. */
function detected({ image, command, variables = [] }: ServiceHints): Quiesce {
  const text = image ?? command?.join(' ') ?? '';
  const found =
    IMAGES.find(([pattern]) => pattern.test(text.toLowerCase()))?.[1] ??
    VARIABLES.find(([pattern]) => variables.some((one) => pattern.test(one)))?.[1];
  if (found !== undefined) return PRESETS[found];
  throw new ProviderError('invalid', `quiesce: auto can't tell what runs in ${text === '' ? 'the service' : text}`, {
    path: 'volumes',
    hint: 'say which: postgres, pg_dump, mysql, redis, none, or commands of your own',
  });
}
