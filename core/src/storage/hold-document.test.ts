import { expect, test } from '@jest/globals';
import { makeAhead } from '../slot/create-bound.ts';
import { promote } from '../slot/promote.ts';
import { Mortal } from '../slot/testing/mortal.ts';
import type { World } from '../slot/testing/world.ts';
import { B, C, SLOT_VOLUME, shopOf, volumeOf } from './testing/shop.ts';

test.each(['dead', 'unknown'] as const)(
  'a volume that a process left half made is made by whoever needs it next: the process is %s',
  async (liveness) => {
    const makes = async (world: World, mortal: Mortal): Promise<unknown> =>
      makeAhead(world.process(mortal.deal), await world.environmentDocument(B), 'master', { wait: true });
    const whole = new Mortal();
    const other = await shopOf({ scope: 'slot' });
    await other.run(makes(other, whole));

    const world = await shopOf({ scope: 'slot' });
    const mortal = new Mortal(whole.names.indexOf('ensure volume'));
    await world.run(Promise.race([makes(world, mortal), mortal.died.promise]));
    expect(await volumeOf(world, SLOT_VOLUME)).toMatchObject({ phase: 'creating', owner: expect.anything() });
    if (liveness === 'dead') world.liveness.set(1, 'dead');

    await world.run(promote(world.process(), { slot: 'master', environment: C }));
    const made = await volumeOf(world, SLOT_VOLUME);
    expect(made).toMatchObject({ phase: 'ready' });
    expect(made?.owner).toBeUndefined();
  },
);
