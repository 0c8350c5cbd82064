import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { dyingAtEveryCall, isMutation } from '../../foundation/testing/dying.ts';
import { actionOf } from '../../foundation/testing/foundation-scene.ts';
import { inventory, openGroundScene, type GroundScene } from '../testing/ground-scene.ts';

const DOMAIN = 'preview.example.com';
let scene: GroundScene;
let nothing: Readonly<Record<string, number>>;
beforeAll(async () => {
  scene = await openGroundScene();
  nothing = await inventory(scene.raw);
}, 120_000);
afterAll(() => scene.end());
beforeEach(() => {
  scene.wire.lift();
});

/** Ids are AWS's choice. */
const kindOf = (action: string): string => action.replace(/(\/(?:distribution|origin-access-control)\/)\w+/, '$1id');

test('made and removed by processes that die at every call, there is one of everything, and then nothing', async () => {
  const made = await scene.tenant().make(DOMAIN);
  const whole = await inventory(scene.raw);
  const calls = scene.wire.calls.filter(isMutation).map(actionOf).map(kindOf);
  await scene.tenant().remove();
  expect(await inventory(scene.raw)).toEqual(nothing);

  const deaths = await dyingAtEveryCall(scene, 'making', (by) => by.mortal.make(DOMAIN));
  expect(deaths.map(actionOf).map(kindOf).sort()).toEqual(calls.sort());
  expect(await inventory(scene.raw)).toEqual(whole);
  const again = await scene.tenant().read();
  expect(again).toMatchObject({ phase: 'active', outputs: { bucket: made.outputs?.bucket } });

  const removals = await dyingAtEveryCall(scene, 'removing', (by) => by.mortal.remove());
  expect(removals).toHaveLength(8);
  expect(await inventory(scene.raw)).toEqual(nothing);
}, 300_000);
