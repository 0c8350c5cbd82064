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
  for (let flip = 0; flip < 100; flip++) {
    load.flipping('b');
    await library.move('promote', { slot: 'master', environment: b.id });
    load.flipped('b');
    load.flipping('a');
    await library.move('rollback', { slot: 'master' });
    load.flipped('a');
  }
  await load.stop();

  expect(load.faults).toEqual([]);
  const { short, slow, uploads, events, webSockets } = load.counts;
  expect({ short: short > 20_000, slow: slow >= 20, uploads: uploads > 50, events: events > 20 }).toEqual({
    ...{ short: true, slow: true, uploads: true, events: true },
  });
  expect(webSockets).toBeGreaterThan(0);
  expect(await app.show()).toMatchObject({ generation: 201, head: { environment: a.id } });
}, 1_200_000);
