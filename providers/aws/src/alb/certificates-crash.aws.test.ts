import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { SlotSpec } from '@clusternator/core';
import type { Tenant } from '../ecs/testing/ecs-scene.ts';
import { interrupted, MOMENTS } from '../testing/interrupted.ts';
import { DOMAIN, nameSlot, openHttpsScene, type HttpsScene } from './testing/https-scene.ts';

let scene: HttpsScene;
beforeAll(async () => {
  scene = await openHttpsScene(0);
}, 120_000);
afterAll(() => scene.end());

const remove = (by: Tenant): Promise<void> => by.call('remove', (call) => by.slots.destroy({ id: 's1' }, call));
const specOf = (by: Tenant, hosts: readonly string[]): SlotSpec =>
  by.slotSpec('s1', { hosts: [`s1.${DOMAIN}`, ...hosts] });
/** moto fails where the token of a certificate that is gone comes again: names are used once. */
let uses = 0;

describe.each(MOMENTS)('killed %s', (_, fault) => {
  test.each<readonly [string, readonly string[] | undefined, readonly string[] | undefined]>([
    ['given others', ['www.shop.test'], ['shop.test', 'shop.example']],
    ['left without one', ['www.shop.test'], []],
    ['removed', ['www.shop.test'], undefined],
  ])(
    'a slot is %s at every call: each name has one certificate, and nothing else has one',
    async (_what, before, after) => {
      for (let nth = 1; ; nth++) {
        const use = `u${String(++uses)}`;
        const to = async (hosts: readonly string[] | undefined, by: Tenant): Promise<unknown> =>
          hosts
            ? nameSlot(
                by,
                specOf(
                  by,
                  hosts.map((host) => `${use}.${host}`),
                ),
              )
            : remove(by);
        await to(before, await scene.tenant());
        const died = await interrupted(scene, (by) => to(after, by), nth, fault);
        const names = (after ?? []).map((host) => `${use}.${host}`).sort();
        expect([nth, await scene.certificates(), await scene.served()]).toEqual([nth, names, names.length]);
        await remove(await scene.tenant());
        expect([nth, await scene.certificates(), await scene.served()]).toEqual([nth, [], 0]);
        if (died) continue;
        expect(nth).toBeGreaterThan(3);
        break;
      }
    },
    180_000,
  );
});
