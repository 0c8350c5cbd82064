import { expect } from '@jest/globals';

import { PostgresProject, type Place } from './postgres.ts';

const MOVES = 10;

interface Moved {
  readonly to: { readonly environment: string };
}

/** One server at a time has the data. Whatever is the head writes a line, and finds those of all heads before it. */
export async function staging(place: Place): Promise<void> {
  await using project = await PostgresProject.open(
    place,
    `volumes:
  data: { scope: slot, kind: disk }
slots: { staging: { standbys: 2 } }
`,
  );
  let head = await project.promote('HEAD', 'staging');
  await project.query(head, 'CREATE TABLE moves (n int PRIMARY KEY, at timestamptz DEFAULT now())');
  const identifier = await project.query(head, 'SELECT system_identifier FROM pg_control_system()');
  const commits = [];
  for (const version of ['1', '2']) {
    await project.repository.write('version.txt', version);
    commits.push(await project.repository.commit(`Version ${version}`));
  }
  const { id } = await project.sandbox.create('--sha', commits[0] ?? '');
  const { plan } = await project.run<{ plan: { interruptsSeconds: number } }>('promote', id, 'staging', '--dry-run');
  expect(plan.interruptsSeconds).toBeGreaterThan(0);
  for (let n = 1; n <= MOVES; n += 1) {
    // To one commit and back, then to the other and back.
    if (n % 2 === 0) head = (await project.run<Moved>('rollback', 'staging')).to.environment;
    else head = await project.promote(commits[(n >> 1) % commits.length], 'staging');
    await project.query(head, `INSERT INTO moves VALUES (${n})`);
    expect(await project.query(head, 'SELECT count(*), max(n) FROM moves')).toBe(`${n}|${n}`);
  }
  expect(await project.query(head, 'SELECT system_identifier FROM pg_control_system()')).toBe(identifier);
  await project.script(head, 'pg_amcheck --all --install-missing --heapallindexed');
}
