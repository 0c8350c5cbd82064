import { expect, test } from '@jest/globals';
import { collectGarbage } from '../environment/gc.ts';
import { abortOperation } from '../environment/abort.ts';
import { destroyEnvironment } from '../environment/destroy.ts';
import { readLive } from '../environment/read-live.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import { Mortal } from '../slot/testing/mortal.ts';
import { destroySlot } from '../slot/destroy.ts';
import { promote } from '../slot/promote.ts';
import { World } from '../slot/testing/world.ts';
import { testCall } from '../state/testing/call.ts';
import type { FoundationConfig } from './ask.ts';
import { destroyFoundation } from './destroy.ts';
import type { FoundationDocument } from './documents.ts';
import { createFoundation } from './ensure.ts';
import { standOnFoundation } from './stand-on.ts';
import { DOMAIN } from './testing/bind-founded.ts';
import { MemoryFoundation } from './testing/memory-foundation.ts';
import { noteIfVanished } from './vanished.ts';
import { planFoundation, showFoundation } from './view.ts';

const ID = 'memory.here';
const [A = ''] = Array.from('ab', (letter) => letter.repeat(12));
const CHECK = { name: `_check.${DOMAIN}`, ttlSeconds: 300, type: 'CNAME' as const, values: ['check.cloud.test'] };

class Founded extends World {
  override readonly foundation = new MemoryFoundation(this.dns);
}
const asks = (config: Record<string, unknown> = {}): FoundationConfig => ({ provider: { name: 'memory', config } });
const stand = (session: Session, config = asks()) => standOnFoundation(session, config.provider, config);

async function documentOf(world: World, id = ID): Promise<FoundationDocument | undefined> {
  return (await world.documents.foundations.get(id, testCall()))?.document;
}
async function kindsOf(world: World): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { document } of world.documents.operations.list(testCall()))
    found.push(`${document.kind} ${document.state}`);
  return found.sort();
}
function warningsOf(world: World): readonly string[] {
  return world.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
}

test('the first command that needs one makes it, tells so, and drivers get what it gives out', async () => {
  const world = new Founded();
  await world.environment('a');
  await world.run(promote(world.process(), { slot: 'master', environment: A }));
  expect(world.foundation.made).toEqual(['network-1', 'certificate-2', 'balancer-3']);
  expect(world.dns.sets).toContainEqual(CHECK);
  expect(await documentOf(world)).toMatchObject({
    phase: 'ready',
    foundation: { outputs: { network: 'network-1', size: 'small' } },
    records: [CHECK],
  });
  expect(world.stoodOn[0]).toEqual({ network: 'network-1', size: 'small' });
  expect(world.events).toContainEqual(
    expect.objectContaining({ type: 'operation', kind: 'foundation', state: 'done' }),
  );
  const { writes } = world.foundation;
  await world.run(stand(world.process()));
  expect([world.foundation.writes, await kindsOf(world)]).toEqual([writes, ['foundation done', 'promote done']]);
});

test('a command that only reads makes none, and says what is missing', async () => {
  const world = new Founded();
  await world.environment('a');
  const document = await world.environmentDocument(A);
  await expect(world.run(readLive(world.process(), document))).rejects.toMatchObject({
    code: 'not-found',
    detail: { hint: expect.stringContaining('clusternator foundation create') },
  });
  expect(await world.run(showFoundation(world.process(), asks()))).toMatchObject({ id: ID, state: 'absent' });
  expect(await world.run(collectGarbage(world.process(), { dryRun: true }))).toEqual([]);
  expect([world.foundation.made, await kindsOf(world)]).toEqual([[], []]);
});

test('a provider that needs none is asked nothing', async () => {
  const world = new World();
  await world.run(stand(world.process()));
  expect(await kindsOf(world)).toEqual([]);
  await expect(createFoundation(world.process(), asks())).rejects.toMatchObject({ code: 'unsupported' });
});

test('of several at once one makes it, and the others wait for it', async () => {
  const world = new Founded();
  await world.run(Promise.all(Array.from({ length: 4 }, () => stand(world.process()))));
  expect(world.foundation.made).toHaveLength(3);
  expect((await documentOf(world))?.owner).toBeUndefined();
});

test('it changes in place, by `foundation create` alone, and what stands on it gets what it then gives out', async () => {
  const world = new Founded();
  const session = world.process();
  await world.run(stand(session));
  await world.run(stand(session, asks({ size: 'large' })));
  expect(warningsOf(world)).toEqual([`the foundation ${ID} was made from another config: provider.size`]);
  expect(world.foundation.kept.get('here')?.size).toBe('small');
  expect((await world.run(showFoundation(session, asks({ size: 'large' })))).differs).toEqual(['provider.size']);
  await world.run(createFoundation(session, asks({ size: 'large' })));
  expect(world.foundation.made).toHaveLength(3);
  const bound = await session.bind(asks({ size: 'large' }).provider);
  expect(await session.foundations.of(bound)).toEqual({ network: 'network-1', size: 'large' });
  const { writes } = world.foundation;
  await world.run(createFoundation(session, asks({ size: 'large' })));
  expect(world.foundation.writes).toBe(writes);
});

test('each place has one of its own', async () => {
  const world = new Founded();
  const session = world.process();
  await world.run(stand(session));
  await world.run(stand(session, asks({ place: 'there' })));
  expect([...world.foundation.kept.keys()]).toEqual(['here', 'there']);
  await world.run(destroyFoundation(session, 'memory.there'));
  expect([...world.foundation.kept.keys()]).toEqual(['here']);
});

test('outputs that do not fit are an error that names them, and the next command goes on', async () => {
  const world = new Founded();
  world.foundation.giveOut = ({ network }) => ({ network, size: 3 });
  await expect(world.run(stand(world.process()))).rejects.toMatchObject({
    code: 'internal',
    message: expect.stringContaining('outputs.size'),
  });
  expect(await documentOf(world)).toMatchObject({ phase: 'failed', error: { code: 'internal' } });
  world.foundation.giveOut = undefined;
  await world.run(stand(world.process()));
  expect([(await documentOf(world))?.phase, world.foundation.made.length]).toEqual(['ready', 3]);
});

test('outputs of another version of the provider are made whole by who makes something, and told by who reads', async () => {
  const world = new Founded();
  await world.run(stand(world.process()));
  const old = { network: 'network-1' };
  await world.documents.foundations.update(
    ID,
    (now) => ({ ...now, foundation: { ...(now.foundation ?? fail()), outputs: old } }),
    testCall(),
  );
  const reader = world.process();
  const bound = await reader.bind(asks().provider);
  await expect(world.run(reader.foundations.of(bound))).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringContaining('outputs.size'),
  });
  await world.run(stand(reader));
  expect(await reader.foundations.of(bound)).toEqual({ network: 'network-1', size: 'small' });
});

test('a change that fails leaves what was there in use, and tells so', async () => {
  const world = new Founded();
  await world.run(stand(world.process()));
  world.dns.sets = [{ ...CHECK, values: ['theirs.test'] }];
  await expect(world.run(createFoundation(world.process(), asks({ size: 'large' })))).rejects.toMatchObject({
    code: 'owned-by-other',
  });
  expect(await documentOf(world)).toMatchObject({ phase: 'ready', error: { code: 'owned-by-other' } });
  await world.run(stand(world.process(), asks({ size: 'large' })));
  expect(warningsOf(world).at(-1)).toContain('the last change of the foundation');
  expect(world.dns.sets).toEqual([{ ...CHECK, values: ['theirs.test'] }]);
});

test('one that its driver finds in another account is not made a second time here, and stays in use', async () => {
  const world = new Founded();
  await world.run(stand(world.process()));
  const before = await documentOf(world);
  const { writes } = world.foundation;
  world.foundation.elsewhere = new ProviderError('denied', 'it is in another account');
  await expect(world.run(createFoundation(world.process(), asks({ size: 'large' })))).rejects.toMatchObject({
    code: 'denied',
  });
  expect(world.foundation.writes).toBe(writes);
  expect(await documentOf(world)).toMatchObject({ phase: 'ready', foundation: before?.foundation });
});

test('it is not destroyed while something stands on it, and then wholly', async () => {
  const world = new Founded();
  await world.run(stand(world.process()));
  await world.environment('a', {}, { db: { command: 'node db.js', volumes: { data: 'data' } } }, { data: {} });
  const session = world.process();
  await expect(world.run(destroyFoundation(session, ID))).rejects.toMatchObject({
    code: 'conflict',
    message: `the foundation ${ID} is in use by environment ${A}, volume ${A}-1-data`,
    detail: { hint: expect.stringContaining('clusternator env destroy') },
  });
  expect((await documentOf(world))?.phase).toBe('ready');
  await world.run(destroyEnvironment(session, A));
  await world.run(destroyFoundation(session, ID));
  expect([world.foundation.kept.size, world.dns.sets, await documentOf(world)]).toEqual([0, [], undefined]);
  await expect(destroyFoundation(session, ID)).rejects.toMatchObject({ code: 'not-found' });
  await world.run(stand(session));
  expect(await session.foundations.of(await session.bind(asks().provider))).toMatchObject({ network: 'network-4' });
});

test('a slot that was destroyed before its foundation is told as gone, also after', async () => {
  const world = new Founded();
  await world.environment('a');
  await world.run(promote(world.process(), { slot: 'master', environment: A }));
  await world.run(destroySlot(world.process(), { slot: 'master' }));
  await world.run(destroyEnvironment(world.process(), A));
  await world.run(destroyFoundation(world.process(), ID));
  const again = await world.run(destroySlot(world.process(), { slot: 'master' }));
  expect(again).toMatchObject({ slot: 'master', wasGone: true });
  expect(world.foundation.kept.size).toBe(0);
});

test('what begins to be made while it is destroyed is seen, or waits and stands on a new one', async () => {
  const world = new Founded();
  await world.run(stand(world.process()));
  const late = world.process();
  let began: Promise<void> | undefined;
  world.onPut = (key, value) => {
    if (key === `foundation/${ID}` && value.includes('destroying')) began ??= stand(late);
  };
  await world.run(destroyFoundation(world.process(), ID));
  await world.run(began ?? fail());
  expect(world.foundation.made).toHaveLength(6);
  expect(await documentOf(world)).toMatchObject({ phase: 'ready', foundation: { outputs: { network: 'network-4' } } });
});

test('one that was removed by hand is told as gone; who finds something missing under it notes it, and the next makes it again', async () => {
  const world = new Founded();
  const session = world.process();
  await world.run(stand(session));
  world.foundation.kept.clear();
  expect(await world.run(showFoundation(session, asks()))).toMatchObject({ state: 'gone' });
  await world.run(noteIfVanished(session, asks().provider, new ProviderError('not-found', 'no such network')));
  expect(await documentOf(world)).toMatchObject({ phase: 'failed', error: { code: 'not-found' } });
  await world.run(stand(session));
  expect(await session.foundations.of(await session.bind(asks().provider))).toMatchObject({ network: 'network-4' });
  await world.run(noteIfVanished(session, asks().provider, new ProviderError('not-found', 'something else')));
  expect((await documentOf(world))?.phase).toBe('ready');
});

test('an interrupted make can be given up, a change can not', async () => {
  for (const isChange of [false, true]) {
    const world = new Founded();
    if (isChange) await world.run(stand(world.process()));
    const mortal = new Mortal(6, 'after');
    const dying = world.process(mortal.deal);
    world.liveness.set(dying.operations.identity.pid, 'dead');
    const work = createFoundation(dying, asks({ size: 'large' }));
    await world.run(Promise.race([work.catch(() => undefined), mortal.died.promise]));
    const operation = (await documentOf(world))?.owner?.operation ?? fail();
    const given = world.run(abortOperation(world.process(), operation));
    if (isChange) {
      await expect(given).rejects.toMatchObject({ code: 'refused' });
      await world.run(stand(world.process())); // goes on with it first
      expect(world.foundation.kept.get('here')?.size).toBe('large');
    } else {
      await given;
      expect([world.foundation.kept.size, world.dns.sets, await documentOf(world)]).toEqual([0, [], undefined]);
    }
  }
});

test('a plan asks no cloud', async () => {
  const world = new Founded();
  expect(await world.run(planFoundation(world.process(), asks({ size: 'large' })))).toEqual({
    id: ID,
    stage: 'default',
    provider: 'memory',
    config: { place: 'here', size: 'large' },
    domain: DOMAIN,
    parts: [
      { what: 'network', settings: {} },
      { what: 'load balancer', settings: { size: 'large', https: true } },
    ],
  });
});

function fail(): never {
  throw new Error('it is not there');
}
