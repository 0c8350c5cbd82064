import { expect, test } from '@jest/globals';
import { startOperation } from '../engine/operation.ts';
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

test('gc ends an operation that was killed before it had an environment, once nobody resumed it for an hour', async () => {
  const world = new World();
  await world.environment('a');
  const session = world.process();
  const killed = await startOperation(session.operations, { kind: 'create', subject: 'b'.repeat(12), input: {} });
  await killed.interrupt();
  expect(await world.run(collectGarbage(session, { dryRun: false }))).toEqual([]);
  world.clock.jump(3601);
  const why = `create ${'b'.repeat(12)} was left before it began`;
  const item = { id: killed.id, type: 'operation', why };
  expect(await world.run(collectGarbage(session, { dryRun: true }))).toEqual([{ ...item, done: false }]);
  expect(await world.run(collectGarbage(session, { dryRun: false }))).toEqual([{ ...item, done: true }]);
  expect(await world.run(collectGarbage(session, { dryRun: false }))).toEqual([]);
});

test('each life of an environment has a name of its own, so that a late end of one does not end the next', () => {
  const id = 'a'.repeat(12);
  const names = [1, 2, 3].map((incarnation) => resourceIdOf({ id, incarnation }));
  expect(new Set(names).size).toBe(3);
});
