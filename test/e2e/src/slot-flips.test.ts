import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { SlotApp } from './slot-app.ts';
import { SlotLibrary } from './slot-library.ts';
import { SlotLoad } from './slot-load.ts';

let app: SlotApp;
beforeEach(async () => {
  app = await SlotApp.open({ slot: 'standbys: 1, drain: { ws: 1s }' });
});
afterEach(async () => app[Symbol.asyncDispose]());

test('of all that goes through a slot while it is promoted and rolled back 200 times, nothing is lost, and nothing comes from an old head', async () => {
  const a = await app.create('a');
  const b = await app.create('b');
  const { slot } = await app.move('promote', a.id, 'master');
  await using library = new SlotLibrary(app.sandbox);
  const load = new SlotLoad(slot.url, 'a');
  load.start();
  const isEnough = ({ short, slow, uploads, events, webSockets }: SlotLoad['counts']): boolean =>
    short > 10_000 && slow >= 20 && uploads > 50 && events > 20 && webSockets > 0;
  let rounds = 0;
  for (; rounds < 100 || !isEnough(load.counts); rounds += 1) {
    load.flipping('b');
    await library.move('promote', { slot: 'master', environment: b.id });
    load.flipped('b');
    load.flipping('a');
    await library.move('rollback', { slot: 'master' });
    load.flipped('a');
  }
  await load.stop();

  expect(load.faults).toEqual([]);
  expect(await app.show()).toMatchObject({ generation: 1 + 2 * rounds, head: { environment: a.id } });
}, 1_200_000);
