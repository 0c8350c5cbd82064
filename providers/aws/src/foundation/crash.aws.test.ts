import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { dyingAtEveryCall, isMutation } from './testing/dying.ts';
import { actionOf, openScene, type FoundationScene } from './testing/foundation-scene.ts';
import { inventory } from './testing/inventory.ts';

const DOMAIN = 'preview.example.com';
let scene: FoundationScene;
let nothing: Readonly<Record<string, number>>;
beforeAll(async () => {
  scene = await openScene('moto');
  nothing = await inventory(scene.raw);
}, 120_000);
afterAll(() => scene.end());
beforeEach(() => {
  scene.wire.lift();
});

test('made and removed by processes that die at every call, there is one of everything, and then nothing', async () => {
  const made = await scene.tenant().make(DOMAIN);
  const whole = await inventory(scene.raw);
  const calls = scene.wire.calls.filter(isMutation).map(actionOf);
  await scene.tenant().remove();
  expect(await inventory(scene.raw)).toEqual(nothing);

  const deaths = await dyingAtEveryCall(scene, 'making', (by) => by.mortal.make(DOMAIN));
  expect(deaths.map(actionOf).sort()).toEqual(calls.sort());
  expect(await inventory(scene.raw)).toEqual(whole);
  const again = await scene.tenant().read();
  expect(again).toEqual({ ...made, outputs: expect.objectContaining({ cluster: made.outputs?.cluster }) });

  const removals = await dyingAtEveryCall(scene, 'removing', (by) => by.mortal.remove());
  expect(removals.length).toBeGreaterThan(30);
  expect(await inventory(scene.raw)).toEqual(nothing);
}, 300_000);

test('a second load balancer comes and goes by processes that die at every call, and the first stays as it is', async () => {
  const [one, two] = [{ network: { nat: 'none' as const } }, { network: { nat: 'none' as const }, loadBalancers: 2 }];
  const made = await scene.tenant(one).make(DOMAIN);
  const whole = await inventory(scene.raw);

  const deaths = await dyingAtEveryCall(scene, 'growing', (by) => by.mortal.make(DOMAIN), two);
  expect(deaths.map(actionOf).sort()).toEqual(['AddTags', 'CreateListener', 'CreateListener', 'CreateLoadBalancer']);
  expect(await inventory(scene.raw)).toEqual({ ...whole, 'load balancer': 2, listener: 4 });
  const grown = await scene.tenant(two).read();
  expect({ ...grown?.outputs, otherLoadBalancers: [] }).toEqual({ ...made.outputs, otherLoadBalancers: [] });
  expect(grown?.outputs?.otherLoadBalancers).toHaveLength(1);

  await dyingAtEveryCall(scene, 'shrinking', (by) => by.mortal.make(DOMAIN), one);
  expect(await inventory(scene.raw)).toEqual(whole);
  expect((await scene.tenant(one).read())?.outputs).toEqual(made.outputs);
  await scene.tenant(one).remove();
}, 120_000);
