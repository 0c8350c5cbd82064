import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { DocumentStore, type DocumentKind } from './document-store.ts';
import { memoryStore } from './memory.ts';
import type { StateStore } from './store.ts';
import { testCall } from './testing/call.ts';
import { faultyStore, type Fault } from './testing/faulty-store.ts';
import { expectCode } from './testing/store-suite.ts';

const call = testCall();
const schema = z.strictObject({ schema: z.literal(3), colour: z.string(), count: z.int() });
type Lamp = z.output<typeof schema>;
const LAMPS: DocumentKind<Lamp> = {
  name: 'lamp',
  prefix: 'lamp/',
  schema,
  version: 3,
  upgrades: {
    1: ({ color, ...rest }) => ({ ...rest, colour: color }),
    2: (older) => ({ ...older, count: 0 }),
  },
};
const red: Lamp = { schema: 3, colour: 'red', count: 0 };
const lampsIn = (store: StateStore) => new DocumentStore(store, LAMPS);

describe('typed documents', () => {
  test('come back as they were written', async () => {
    const lamps = lampsIn(memoryStore());
    const made = await lamps.create('a', red, call);
    expect(await lamps.get('a', call)).toEqual(made);
    expect(made.document).toEqual(red);
    expect(await lamps.get('b', call)).toBeUndefined();
  });

  test('are written on condition', async () => {
    const lamps = lampsIn(memoryStore());
    const first = await lamps.create('a', red, call);
    await expectCode('conflict', lamps.create('a', red, call));
    await lamps.put('a', { ...red, colour: 'blue' }, first.revision, call);
    await expectCode('conflict', lamps.put('a', red, first.revision, call));
    await expectCode('conflict', lamps.delete(first, call));
  });

  test('that are not of their schema are not written', async () => {
    const lamps = lampsIn(memoryStore());
    const wrong = { ...red, count: 'many' } as unknown as Lamp;
    await expectCode('invalid', lamps.create('a', wrong, call));
    expect(await lamps.get('a', call)).toBeUndefined();
  });

  test('twenty updates at once are all made', async () => {
    const lamps = lampsIn(memoryStore());
    await lamps.create('a', red, call);
    const more = () => lamps.update('a', (lamp) => ({ ...lamp, count: lamp.count + 1 }), call);
    await Promise.all(Array.from({ length: 20 }, more));
    expect((await lamps.get('a', call))?.document.count).toBe(20);
  });

  test('an update of none is not-found, and one that changes nothing writes nothing', async () => {
    const store = faultyStore(memoryStore(), () => undefined);
    const lamps = lampsIn(store);
    await expectCode(
      'not-found',
      lamps.update('a', (lamp) => lamp, call),
    );
    const made = await lamps.create('a', red, call);
    expect(await lamps.update('a', () => undefined, call)).toEqual(made);
    expect(store.puts).toBe(1);
  });

  test('are listed in pages', async () => {
    const lamps = lampsIn(memoryStore());
    for (const id of ['c', 'a', 'b', 'd']) await lamps.create(id, { ...red, colour: id }, call);
    const listed: string[] = [];
    for await (const { id, document } of lamps.list(call, { after: 'a' })) listed.push(`${id}=${document.colour}`);
    expect(listed).toEqual(['b=b', 'c=c', 'd=d']);
  });
});

describe('versions', () => {
  const withText = async (value: string) => {
    const store = memoryStore();
    await store.put('lamp/a', value, null, call);
    return lampsIn(store);
  };

  test.each([
    ['{"schema":1,"color":"red"}', red],
    ['{"schema":2,"colour":"red"}', red],
    ['{"schema":3,"colour":"red","count":4,"writeId":"w"}', { ...red, count: 4 }],
  ])('%s is read as one of today', async (text, expected) => {
    const lamps = await withText(text);
    expect((await lamps.get('a', call))?.document).toEqual(expected);
    const upgraded = await lamps.update('a', (lamp) => ({ ...lamp, count: 9 }), call);
    expect(upgraded.document).toEqual({ ...red, count: 9 });
  });

  test('a newer one is refused, and left as it is', async () => {
    const lamps = await withText('{"schema":4,"colour":"red"}');
    const error: unknown = await lamps.get('a', call).catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      code: 'unsupported',
      message: 'lamp a has schema 4; this clusternator knows schema 3',
    });
    await expectCode(
      'unsupported',
      lamps.update('a', () => red, call),
    );
  });

  test.each([
    '',
    'null',
    '[]',
    '{}',
    '{"schema":0}',
    '{"schema":"3"}',
    '{"schema":3,"colour":1,"count":0}',
    '{"schema":3,"colour":"r","count":0,"new":1}',
  ])('%j is told as unreadable', async (text) => {
    const lamps = await withText(text);
    await expect(lamps.get('a', call)).rejects.toMatchObject({ code: 'internal', effect: 'none' });
  });

  test('one that can not be read does not hide the others from who wants to be told', async () => {
    const store = memoryStore();
    await store.put('lamp/a', '{"schema":4}', null, call);
    await store.put('lamp/b', 'torn', null, call);
    await lampsIn(store).create('c', red, call);
    const [told, listed]: [string[], string[]] = [[], []];
    for await (const { id } of lampsIn(store).list(call, {
      unreadable: (id, error) => told.push(`${id} ${error.code}`),
    }))
      listed.push(id);
    expect(listed).toEqual(['c']);
    expect(told).toEqual(['a unsupported', 'b internal']);
    await expectCode('unsupported', lampsIn(store).list(call).next());
  });
});

describe('a put whose answer is lost', () => {
  const scenario = async (plan: readonly Fault[]) => {
    const inner = memoryStore();
    const made = await lampsIn(inner).create('a', red, call);
    const store = faultyStore(inner, (put) => plan[put]);
    return { inner, made, store, lamps: lampsIn(store) };
  };
  const blue = { ...red, colour: 'blue' };

  test('that was carried out is found by its write id, and not sent again', async () => {
    const { lamps, store, made } = await scenario(['applied']);
    expect((await lamps.put('a', blue, made.revision, call)).document).toEqual(blue);
    expect(store.puts).toBe(1);
    expect((await lamps.get('a', call))?.document).toEqual(blue);
  });

  test('that never arrived is sent again', async () => {
    const { lamps, store, made } = await scenario(['torn', 'torn', undefined]);
    expect((await lamps.put('a', blue, made.revision, call)).document).toEqual(blue);
    expect(store.puts).toBe(3);
  });

  test('that arrives after its second sending is the same put', async () => {
    const { lamps, store, made } = await scenario(['late', 'torn', undefined]);
    expect((await lamps.put('a', blue, made.revision, call)).document).toEqual(blue);
    expect(store.puts).toBeLessThanOrEqual(3);
    expect((await lamps.get('a', call))?.document).toEqual(blue);
  });

  test('of a document that is new, likewise', async () => {
    for (const fault of ['applied', 'torn', 'late'] as const) {
      const { lamps } = await scenario([fault]);
      expect((await lamps.create('new', blue, call)).document).toEqual(blue);
    }
  });

  test('and that somebody else overtook is a conflict that does not say that nothing was written', async () => {
    const { inner, made, lamps, store } = await scenario(['torn']);
    const put = store.put.bind(store);
    store.put = async (...args) => {
      await lampsIn(inner).update('a', (lamp) => ({ ...lamp, count: 78 }), call);
      return put(...args);
    };
    await expect(lamps.put('a', blue, made.revision, call)).rejects.toMatchObject({
      code: 'conflict',
      effect: 'unknown',
    });
  });

  test('a refusal at its second sending says no more: the first may have come meanwhile, and been overtaken', async () => {
    const { inner, made, lamps, store } = await scenario(['torn']);
    const send = store.put.bind(store);
    let sent = 0;
    store.put = async (key, value, expected, at) => {
      if (++sent === 2) {
        await inner.put(key, value, expected, at); // the first, late
        await lampsIn(inner).update('a', (lamp) => ({ ...lamp, count: 78 }), call);
      }
      return send(key, value, expected, at);
    };
    await expect(lamps.put('a', blue, made.revision, call)).rejects.toMatchObject({
      code: 'conflict',
      effect: 'unknown',
    });
    expect(sent).toBe(2);
    expect((await lamps.get('a', call))?.document).toEqual({ ...blue, count: 78 });
  });

  test('a refusal at the first sending is a loss, with nothing written', async () => {
    const { lamps, made, inner } = await scenario([]);
    await lampsIn(inner).update('a', (lamp) => ({ ...lamp, count: 1 }), call);
    await expect(lamps.put('a', blue, made.revision, call)).rejects.toMatchObject({ code: 'conflict', effect: 'none' });
  });

  test('again and again is told as unknown', async () => {
    const { lamps, made, store } = await scenario(Array.from({ length: 20 }, () => 'torn' as const));
    await expect(lamps.put('a', blue, made.revision, call)).rejects.toMatchObject({
      code: 'unavailable',
      effect: 'unknown',
    });
    expect(store.puts).toBe(6);
  });

  test('and a person who aborts meanwhile ends the wait', async () => {
    const { lamps, made } = await scenario(Array.from({ length: 20 }, () => 'torn' as const));
    const abort = new AbortController();
    const writing = lamps.put('a', blue, made.revision, testCall(abort.signal));
    abort.abort();
    await expectCode('cancelled', writing);
  });

  test('updates survive any loss, and each is made at least once', async () => {
    const faults: readonly Fault[] = ['applied', 'torn', undefined, 'late', undefined, 'applied', undefined];
    const inner = memoryStore();
    await lampsIn(inner).create('a', red, call);
    const lamps = lampsIn(faultyStore(inner, (put) => faults[put % faults.length]));
    for (let at = 1; at <= 10; at++)
      await lamps.update('a', (lamp) => ({ ...lamp, count: Math.max(lamp.count, at) }), call);
    expect((await lamps.get('a', call))?.document.count).toBe(10);
  });
});
