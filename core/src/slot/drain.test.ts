import { expect, test } from '@jest/globals';
import { destroyEnvironment } from '../environment/destroy.ts';
import { ProviderError } from '../provider/error.ts';
import { no } from '../provider/capabilities.ts';
import { collectPins } from './collect.ts';
import { promote } from './promote.ts';
import { CAPABILITIES, World } from './testing/world.ts';

const [A = '', B = '', C = ''] = Array.from('abc', (letter) => letter.repeat(12));

async function begin(standbys: number, world = new World()): Promise<World> {
  for (const letter of 'abc')
    await world.environment(letter, { master: { standbys, drain: { requests: '30s', ws: '10s' } } });
  return world;
}
const to = (world: World, environment: string): Promise<unknown> =>
  world.run(promote(world.process(), { slot: 'master', environment }));
async function pinsOfA(world: World): Promise<readonly string[]> {
  await world.run(collectPins(world.process()));
  return Object.keys((await world.environmentDocument(A)).pins);
}

test('a former head is let go once its time is over and no request was seen for a while', async () => {
  const world = await begin(0);
  for (const environment of [A, B]) await to(world, environment);
  expect(await pinsOfA(world)).toEqual(['master']); // its time is not over
  world.clock.jump(31);
  world.cloud.traffic.set(`${A}-1`, 5);
  expect(await pinsOfA(world)).toEqual(['master']); // somebody asks it still
  await expect(world.run(destroyEnvironment(world.process(), A))).rejects.toMatchObject({ code: 'refused' });
  world.cloud.traffic.set(`${A}-1`, 61);
  expect(await pinsOfA(world)).toEqual([]);
  expect(await world.slot()).toMatchObject({ head: B, draining: [] });
});

test('who asks on after a day means the environment, not the slot', async () => {
  const world = await begin(0);
  for (const environment of [A, B]) await to(world, environment);
  world.cloud.traffic.set(`${A}-1`, 0);
  world.clock.jump(24 * 3600);
  expect(await pinsOfA(world)).toEqual(['master']);
  world.clock.jump(60);
  expect(await pinsOfA(world)).toEqual([]);
});

test('a provider that can’t be asked leaves it, one that can’t tell goes by time, and what is gone has no traffic', async () => {
  const world = await begin(0);
  for (const environment of [A, B]) await to(world, environment);
  world.clock.jump(31);
  const away = world.process(async (what, act) => {
    if (what === 'health') throw new ProviderError('unavailable', 'no answer', { effect: 'none' });
    return act();
  });
  await world.run(collectPins(away));
  expect((await world.environmentDocument(A)).pins).toHaveProperty('master');
  world.cloud.running.delete(`${A}-1`);
  expect(await pinsOfA(world)).toEqual([]);

  const blind = await begin(0, new World('version', { ...CAPABILITIES, 'environments.traffic': no('not counted') }));
  for (const environment of [A, B]) await to(blind, environment);
  blind.cloud.traffic.set(`${A}-1`, 0);
  blind.clock.jump(31);
  expect(await pinsOfA(blind)).toEqual([]);
});

test('a standby that goes soon after it was the head drains, one that was left long ago goes at once', async () => {
  const soon = await begin(1);
  for (const environment of [A, B, C]) await to(soon, environment);
  expect(await soon.slot()).toMatchObject({ head: C, standbys: [B], draining: [{ environment: A }] });

  const later = await begin(1);
  for (const environment of [A, B]) await to(later, environment);
  later.clock.jump(31);
  await to(later, C);
  expect(await later.slot()).toMatchObject({ head: C, standbys: [B], draining: [] });
  expect((await later.environmentDocument(A)).pins).toEqual({});
});

test('whoever destroys what has drained need not wait for gc', async () => {
  const world = await begin(0);
  for (const environment of [A, B]) await to(world, environment);
  await expect(world.run(destroyEnvironment(world.process(), A))).rejects.toMatchObject({ code: 'refused' });
  world.clock.jump(31);
  await world.run(destroyEnvironment(world.process(), A));
  expect(await world.environmentDocument(A)).toMatchObject({ phase: 'gone' });
});
