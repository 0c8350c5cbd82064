import { expect, test } from '@jest/globals';
import { lastSeenAt, TrafficCounter } from './traffic.ts';

const NOW = new Date(100_000);

test('a request is seen for as long as it is answered, and a WebSocket for as long as it is open', () => {
  const counter = new TrafficCounter();
  expect(lastSeenAt(counter.snapshot(), NOW)).toBeUndefined();
  counter.started(1000);
  expect(lastSeenAt(counter.snapshot(), NOW)).toEqual(NOW);
  counter.inFlight -= 1;
  expect(lastSeenAt(counter.snapshot(), NOW)).toEqual(new Date(1000));
  counter.upgraded += 1;
  expect(lastSeenAt(counter.snapshot(), NOW)).toEqual(NOW);
});
