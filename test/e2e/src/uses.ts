import { expect, test } from '@jest/globals';

import { CONNECT, PostgresProject, type Place } from './postgres.ts';
import { backups } from './use-backups.ts';
import { staging } from './use-staging.ts';

/** What environments use durable data for, each with a real database. */
export function describeEnvironments(place: Place): void {
  test('test data for each commit, from a snapshot of production that was cleaned', () => testData(place), 240_000);
  test('logs of an environment that was destroyed', () => logs(place), 120_000);
  test('a cache, so that a later build does less', () => cache(place), 120_000);
}

/** What slots use it for. */
export function describeSlots(place: Place): void {
  test('a staging database over ten promotions and rollbacks', () => staging(place), 240_000);
  test('backups of production while it works', () => backups(place), 240_000);
}

const PEOPLE = `CREATE TABLE people (name text PRIMARY KEY, email text);
INSERT INTO people VALUES ('Ann', 'ann@example.com'), ('Ben', 'ben@example.com');`;
/** Says when it ran. */
const CLEAN = `${CONNECT}psql -Xq -v ON_ERROR_STOP=1 <<'END'
UPDATE people SET email = lower(name) || '@example.org';
CREATE TABLE cleaned AS SELECT clock_timestamp() AS at;
END
`;
const EMAILS = `SELECT string_agg(email, ' ' ORDER BY name) FROM people`;

async function testData(place: Place): Promise<void> {
  await using project = await PostgresProject.open(
    place,
    `volumes:
  data: { scope: slot, kind: disk, seed: { snapshot: master/latest, run: sh clean.sh } }
slots: { master: { standbys: 0 } }
`,
    { 'clean.sh': CLEAN },
  );
  const { repository, sandbox } = project;
  const preview = async (): Promise<string> => (await sandbox.create()).id;
  const production = await project.promote();
  await project.query(production, PEOPLE);
  const tooEarly = await sandbox.json(['env', 'create', '--sha', await repository.commit('Too early')]);
  expect(tooEarly.error).toMatchObject({ code: 'not-found', hint: 'clusternator storage snapshot slot-master-data' });
  const { snapshot } = await project.run<{ snapshot: { id: string } }>('storage', 'snapshot', 'slot-master-data');

  await repository.commit('First change');
  const first = await preview();
  expect(await project.query(first, EMAILS)).toBe('ann@example.org ben@example.org');
  await project.query(first, 'DELETE FROM people');
  await repository.commit('Second change');
  const second = await preview();
  expect(await project.query(second, EMAILS)).toBe('ann@example.org ben@example.org');
  // It was cleaned once, for both.
  const cleanedAt = 'SELECT at FROM cleaned';
  expect(await project.query(second, cleanedAt)).toBe(await project.query(first, cleanedAt));
  expect(await project.query(production, EMAILS)).toBe('ann@example.com ben@example.com');
  const { snapshots } = await project.run<{ snapshots: readonly { id: string; kind: string }[] }>(
    'storage',
    'snapshots',
  );
  expect(snapshots.filter(({ kind }) => kind === 'seed')).toEqual([
    expect.objectContaining({ id: expect.stringMatching(/^seed-data-/) }),
  ]);

  await project.commit('clusternator.config.yaml', (text) =>
    text.replace('master/latest, run: sh clean.sh', snapshot.id),
  );
  const { outcome, error } = await sandbox.json(['env', 'create']);
  expect({ exit: outcome.code, error }).toEqual({
    exit: 7,
    error: expect.objectContaining({
      code: 'refused',
      message: expect.stringContaining(`snapshot ${snapshot.id} is the data of the slot master`),
      hint: expect.stringContaining('data: unsanitized'),
    }),
  });
  await project.commit('clusternator.config.yaml', (text) =>
    text.replace(snapshot.id, 'master/latest, data: unsanitized'),
  );
  expect(await project.query(await preview(), EMAILS)).toBe('ann@example.com ben@example.com');
}

async function logs(place: Place): Promise<void> {
  await using project = await PostgresProject.open(place, 'volumes: { data: {} }\nlogs: { keep: 30d }\n');
  const { id } = await project.sandbox.create();
  await project.query(id, `DO $$ BEGIN RAISE LOG 'written by %', current_user; END $$`);
  await project.sandbox.destroy(id);
  const { lines } = await project.run<{ lines: readonly { text: string; service: string }[] }>('env', 'logs', id);
  const text = lines.map((line) => line.text).join('\n');
  expect(text).toMatch(/ready to accept connections.*written by app.*database system is shut down/s);
}

/** Each cluster has a number of its own, from when it was made. */
const IDENTIFIER = 'SELECT system_identifier FROM pg_control_system()';

/** A process has a folder of the project for it, an image the layers of the engine. */
async function cache(place: Place): Promise<void> {
  await using project = await PostgresProject.open(place, 'volumes: { data: {} }\n');
  const built = async (): Promise<string> => {
    const { id } = await project.sandbox.create();
    return project.query(id, IDENTIFIER);
  };
  const first = await built();
  await project.repository.write('version.txt', '2');
  await project.repository.commit('Second');
  expect(await built()).toBe(first);
  if (place === 'process')
    await project.commit('clusternator.config.yaml', (text) => text.replace('cache: [template]\n', ''));
  else await project.commit('install.sh', (text) => `${text}echo made anew\n`);
  expect(await built()).not.toBe(first);
}
