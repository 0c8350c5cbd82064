import { expect, test } from '@jest/globals';
import { systemClock } from '../engine/clock.ts';
import { brieflyBy } from './briefly.ts';

test('the same work done twice has two tokens; what is made again within one has the same', async () => {
  const briefly = brieflyBy(systemClock);
  const tokens = () => briefly('route master', (call) => Promise.resolve([call.token('route'), call.token('route')]));
  const [first, again] = await tokens();
  const [second] = await tokens();
  expect(again).toBe(first);
  expect(second).not.toBe(first);
});
