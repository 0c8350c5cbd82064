import { userInfo } from 'node:os';
import { expect, test } from '@jest/globals';

import { DatabaseProject } from './database-project.ts';
import { CONNECT, PostgresProject } from './postgres.ts';
import { Sandbox } from './sandbox.ts';

const { username } = userInfo();
const AT = 'MARIADB="mariadb -h $HOST -P $PORT -u root"';
const MARIADB = `set -e
[ -e data/db ] || { rm -rf data/new; mariadb-install-db --no-defaults --datadir=$PWD/data/new --user=${username} --auth-root-authentication-method=normal --skip-test-db >/dev/null; mv data/new data/db; }
exec mariadbd --no-defaults --datadir=$PWD/data/db --user=${username} --bind-address=$HOST --port=$PORT --socket= --skip-name-resolve
`;
const REDIS = 'exec redis-server --dir $PWD/data --bind $HOST --port $PORT --save ""\n';

async function open(program: string, start: string, check: string): Promise<DatabaseProject> {
  const sandbox = await Sandbox.open();
  const repository = await sandbox.repositoryOf({
    'clusternator.config.yaml': `project: PROJECT
provider: local
services:
  db: { command: sh ${program}.sh, port: 3306, protocol: tcp, volumes: { data: data } }
${volume('auto')}`,
    [`${program}.sh`]: start,
    'check.sh': check,
  });
  return new DatabaseProject(sandbox, repository);
}

function volume(quiesce: string): string {
  return `volumes:\n  data: { backup: { every: 1h, keep: 7d, quiesce: ${quiesce}, verify: sh check.sh } }\n`;
}

/** A backup is taken, is verified, and takes the place of data that was spoilt. */
async function expectRestored(
  project: DatabaseProject,
  scripts: { readonly fill: string; readonly spoil: string; readonly look: string; readonly is: string },
  quiesce: string,
): Promise<string> {
  const { id } = await project.sandbox.create();
  await project.script(id, scripts.fill);
  const backup = await project.backUp();
  await project.script(id, scripts.spoil);
  expect(await project.script(id, scripts.look)).not.toBe(scripts.is);
  const { backups } = await project.run<{ backups: readonly object[] }>('backup', 'list');
  expect(backups).toEqual([expect.objectContaining({ id: backup, quiesce, state: 'ready' })]);
  expect(await project.verify(backup)).toContain(`it has ${scripts.is}`);
  await project.run('storage', 'restore', backup, '--swap', '--yes');
  expect(await project.script(id, scripts.look)).toBe(scripts.is);
  return id;
}

test('PostgreSQL by pg_dumpall: all databases, with their roles', async () => {
  const look = `psql -XAtq -d shop -U clerk -c 'SELECT sum(n) FROM orders'`;
  await using project = await PostgresProject.open('process', volume('pg_dump'), {
    'check.sh': `${CONNECT}echo "it has $(${look})"\n`,
  });
  const fill = `psql -Xq -v ON_ERROR_STOP=1 <<'END'
CREATE ROLE clerk LOGIN;
CREATE DATABASE shop OWNER clerk;
\\c shop clerk
CREATE TABLE orders AS SELECT n FROM generate_series(1, 1000) n;
END
`;
  const spoil = `psql -Xq -d shop -c 'DELETE FROM orders WHERE n > 10'`;
  const id = await expectRestored(project, { fill, spoil, look, is: '500500' }, 'pg_dump');

  // It is read by a server beside the one that has this folder.
  await project.script(id, `mkdir space && psql -Xq -c "CREATE TABLESPACE space LOCATION '$PWD/space'"`);
  const lacking = await project.backUp();
  const { data, outcome } = await project.sandbox.json<{ verified: readonly object[] }>(['backup', 'verify', lacking]);
  expect({ exit: outcome.code, verified: data.verified }).toEqual({
    exit: 5,
    verified: [expect.objectContaining({ isGood: false, message: expect.stringContaining('as a tablespace') })],
  });
}, 120_000);

test('MariaDB by a dump in a single transaction', async () => {
  const look = `${AT}; $MARIADB -BN shop -e 'SELECT sum(n) FROM orders'`;
  await using project = await open('mariadb', MARIADB, `${look.replace('$MARIADB', 'echo "it has $($MARIADB')})"\n`);
  const fill = `${AT}; $MARIADB <<'END'
CREATE DATABASE shop;
USE shop;
CREATE TABLE orders (n int PRIMARY KEY) ENGINE=InnoDB AS SELECT seq AS n FROM seq_1_to_1000;
END
`;
  const spoil = `${AT}; $MARIADB shop -e 'DELETE FROM orders WHERE n > 10'`;
  await expectRestored(project, { fill, spoil, look, is: '500500' }, 'mysql');
}, 120_000);

test('Redis by a save in the background', async () => {
  const look = 'redis-cli -h $HOST -p $PORT GET orders';
  await using project = await open('redis', REDIS, `echo "it has $(${look})"\n`);
  const fill = 'redis-cli -h $HOST -p $PORT SET orders 500500';
  await expectRestored(project, { fill, spoil: `${fill}1`, look, is: '500500' }, 'redis');
}, 120_000);
