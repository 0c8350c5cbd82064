import { expect, test } from '@jest/globals';
import type { Session } from '../host/session.ts';
import { World } from '../slot/testing/world.ts';
import type { Call } from '../provider/host.ts';
import { collectGarbage } from './gc.ts';
import { resourceIdOf } from './life.ts';

test('gc spares what is made while it looks: it lists the cloud first, then it reads the state', async () => {
  const world = new World();
  await world.environment('a');
  const session = world.process();
  const { operations } = session.documents;
  // The operations are read last of all.
  const list = async function* (call: Call) {
    await world.environment('b');
    yield* operations.list(call);
  };
  const documents: Session['documents'] = {
    ...session.documents,
    operations: Object.create(operations, { list: { value: list } }) as typeof operations,
  };
  expect(await world.run(collectGarbage({ ...session, documents }, { dryRun: false }))).toEqual([]);
  expect([...world.cloud.running.keys()]).toEqual([`${'a'.repeat(12)}-1`, `${'b'.repeat(12)}-1`]);
});

test('each life of an environment has a name of its own, so that a late end of one does not end the next', () => {
  const id = 'a'.repeat(12);
  const names = [1, 2, 3].map((incarnation) => resourceIdOf({ id, incarnation }));
  expect(new Set(names).size).toBe(3);
});
