import { describe, expect, test } from '@jest/globals';
import { destroyEnvironment } from '../environment/destroy.ts';
import type { Session } from '../host/session.ts';
import { Mortal, type Death } from '../slot/testing/mortal.ts';
import type { World } from '../slot/testing/world.ts';
import { runBackups } from './backups.ts';
import { storageLeftovers } from './collect.ts';
import { isGood } from './documents.ts';
import { clone, restore, snapshotNow, swap, verify } from './services.ts';
import { A, OWN_VOLUME, resumeAll, shopOf, snapshotsOf, volumesOf } from './testing/shop.ts';

const HELD = { before: 'stop-writes', after: 'start-writes', within: '60s' };
const BACKUP = { backup: { every: '1h', keep: { last: 1 }, quiesce: HELD, verify: 'node check.js' } };

interface Scenario {
  readonly volume: object;
  run(session: Session): Promise<unknown>;
}
const scenarios: Readonly<Record<string, Scenario>> = {
  'a snapshot': { volume: {}, run: (session) => snapshotNow(session, { volume: OWN_VOLUME, name: 'new' }) },
  'a backup, with writers that wait, and one that expires': {
    volume: BACKUP,
    run: (session) => runBackups(session, { due: false, dryRun: false, volumes: [OWN_VOLUME] }),
  },
  'a clone': { volume: {}, run: (session) => clone(session, { volume: OWN_VOLUME, as: 'copy' }) },
  'a restore': { volume: {}, run: (session) => restore(session, { snapshot: 'first', as: 'again' }) },
  'a restore that is swapped in': {
    volume: {},
    run: (session) => restore(session, { snapshot: 'first', as: 'again', swap: true }),
  },
  'a swap back': { volume: {}, run: (session) => swap(session, { volume: OWN_VOLUME }) },
  'a verification': { volume: BACKUP, run: (session) => verify(session, 'first') },
  'the end of an environment whose data is kept': {
    volume: { onDestroy: 'snapshot' },
    run: (session) => destroyEnvironment(session, A),
  },
};
const nexts = ['somebody resumes it', 'gc comes'] as const;

async function prepared(name: string, { volume }: Scenario): Promise<World> {
  const world = await shopOf(volume);
  world.storage.write(OWN_VOLUME, 'one');
  const session = world.process();
  await world.run(snapshotNow(session, { volume: OWN_VOLUME, name: 'first', quiesce: 'none' }));
  if (name.startsWith('a backup')) await world.run(runBackups(session, { due: true, dryRun: false }));
  if (name === 'a swap back') await world.run(restore(session, { snapshot: 'first', as: 'again', swap: true }));
  world.cloud.execs.length = 0;
  return world;
}

/** What may be there at any time: nothing that is half made is called whole. */
async function problemsOf(world: World): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const one of await snapshotsOf(world)) {
    const kept = world.storage.snapshots.get(one.id);
    if (one.phase === 'ready' && (!kept?.isWhole || !isGood(one))) problems.push(`snapshot ${one.id} is called ready`);
  }
  for (const one of await volumesOf(world)) {
    const kept = world.storage.volumes.get(one.id);
    if (one.phase === 'ready' && !one.isScratch && !kept?.isWhole) problems.push(`volume ${one.id} is called ready`);
  }
  const first = world.storage.snapshots.get('first');
  if (first?.data !== 'one') problems.push('the older snapshot is not what it was');
  return problems;
}

/** What has to hold once nothing is unfinished any more. */
async function leftOf(world: World): Promise<readonly string[]> {
  const snapshots = await snapshotsOf(world);
  const volumes = await volumesOf(world);
  const known = new Set([...snapshots, ...volumes].map(({ id }) => id));
  const isHeld = world.cloud.execs.map(({ command }) => command[0]).filter((word) => word?.endsWith('-writes'));
  return [
    ...snapshots.filter(({ phase }) => phase !== 'ready').map(({ id, phase }) => `snapshot ${id} is ${phase}`),
    ...volumes
      .filter(({ phase, isScratch }) => isScratch === true || !['ready', 'gone'].includes(phase))
      .map(({ id, phase }) => `volume ${id} is ${phase}`),
    ...[...world.storage.snapshots.keys(), ...world.storage.volumes.keys()]
      .filter((id) => !known.has(id))
      .map((id) => `nobody knows of ${id}`),
    ...[...world.cloud.running.keys()].filter((id) => id.startsWith('scratch-')).map((id) => `${id} runs`),
    ...(isHeld.at(-1) === 'stop-writes' ? ['writers wait'] : []),
  ];
}

async function collect(world: World, session: Session): Promise<void> {
  for (const one of await storageLeftovers(session)) await one.run();
  for (const id of [...world.cloud.running.keys()]) if (id.startsWith('scratch-')) world.cloud.running.delete(id); // as gc does with what no document knows
}

describe.each(Object.entries(scenarios))('%s', (name, scenario) => {
  test.each(nexts)('killed at each of its dealings; then %s', async (next) => {
    const whole = new Mortal();
    const counting = await prepared(name, scenario);
    await counting.run(scenario.run(counting.process(whole.deal)));
    for (let at = 0; at < whole.dealings; at++) {
      // Before one dealing is after the one that came earlier.
      for (const death of (at === 0 ? ['before', 'after'] : ['after']) satisfies Death[]) {
        const where = `${death} ${String(at)} (${whole.names[at] ?? ''})`;
        const world = await prepared(name, scenario);
        const source = world.storage.dataOf(OWN_VOLUME);
        const mortal = new Mortal(at, death);
        const session = world.process(mortal.deal);
        world.liveness.set(session.operations.identity.pid, 'dead');
        const ended = scenario.run(session).then(
          () => 'ended',
          () => 'failed',
        );
        await world.run(Promise.race([ended, mortal.died.promise]));
        expect([where, await problemsOf(world)]).toEqual([where, []]);
        const later = world.process();
        if (next === 'somebody resumes it') await world.run(resumeAll(world, later));
        await world.run(collect(world, later));
        // What works on an environment is finished by whoever comes to that.
        await world.run(resumeAll(world, world.process()));
        expect([where, await problemsOf(world), await leftOf(world)]).toEqual([where, [], []]);
        const isGone = (await world.environmentDocument(A)).phase === 'gone';
        const kept = (await snapshotsOf(world)).some(({ kind }) => kind === 'destroy');
        if (!isGone) expect([where, world.storage.dataOf(OWN_VOLUME)]).toEqual([where, source]);
        else expect([where, kept]).toEqual([where, true]);
      }
    }
  });
});
