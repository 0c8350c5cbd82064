import assert from 'node:assert/strict';
import { DocumentStore, type DocumentKind } from '@clusternator/core/kit';
import { z } from 'zod';
import type { Case } from '../kit/case.ts';
import { codeOf, errorOf, must, type Trial } from '../kit/trial.ts';

const base = { drivers: ['state'] } as const;

export const stateCases: readonly Case[] = [
  {
    ...base,
    id: 'state/of-twenty-writers-one-wins',
    number: 81,
    title: 'Of twenty writers from one reading one wins, and its text is there',
    async run(t) {
      const key = keyOf(t, 'race');
      const revision = await put(t, key, '"base"', null);
      const writers = Array.from({ length: 20 }, (_, at) => codeOf(put(t, key, String(at), revision)));
      const codes = await Promise.all(writers);
      assert.deepEqual(
        codes.filter((code) => code !== 'conflict'),
        ['nothing was thrown'],
      );
      assert.equal((await get(t, key))?.value, String(codes.indexOf('nothing was thrown')));
    },
  },
  {
    ...base,
    id: 'state/a-lost-put-is-found-by-reading-again',
    number: 82,
    title: 'A put whose answer was lost has an unknown effect, and is found by reading again',
    uses: ['wire'],
    async run(t) {
      const key = keyOf(t, 'lost');
      t.wire.onMutations({ kind: 'reset', after: true }, 1);
      const error = await errorOf(put(t, key, '"mine"', null));
      if (error) assert.equal(error.effect, 'unknown', error.code);
      t.wire.lift();
      assert.equal((await get(t, key))?.value, '"mine"');
    },
  },
  {
    ...base,
    id: 'state/a-paused-owner-is-refused-after-a-takeover',
    number: 83,
    title: 'Who paused while another wrote can not write or remove any more',
    async run(t) {
      const key = keyOf(t, 'owner');
      const mine = await put(t, key, '"mine"', null);
      const theirs = await put(t, key, '"theirs"', mine);
      const state = await t.main.state();
      assert.equal(await codeOf(put(t, key, '"mine"', mine)), 'conflict');
      assert.equal(await codeOf(t.main.call('state.delete', key, (call) => state.delete(key, mine, call))), 'conflict');
      assert.deepEqual(await get(t, key), { value: '"theirs"', revision: theirs });
      assert.equal(await codeOf(put(t, key, '"new"', null)), 'conflict', 'there is one already');
    },
  },
  {
    ...base,
    id: 'state/a-wrong-clock-changes-nothing',
    number: 84,
    title: 'Clocks that are an hour apart change nothing',
    async run(t) {
      const key = keyOf(t, 'clock');
      t.clock.skewSeconds = 3600;
      const early = await put(t, key, '1', null);
      t.clock.skewSeconds = -3600;
      const late = await put(t, key, '2', early);
      assert.equal(await codeOf(put(t, key, '3', early)), 'conflict');
      t.clock.skewSeconds = 0;
      assert.deepEqual(await get(t, key), { value: '2', revision: late });
    },
  },
  {
    ...base,
    id: 'state/older-schemas-are-read-and-newer-ones-refused',
    number: 85,
    title: 'A document of an older schema is upgraded, and a newer one refused, whatever its text holds',
    async run(t) {
      const store = await t.main.state();
      const documents = new DocumentStore(store, documentKind(t), t.clock);
      const old = { schema: 1, name: 'Grüße 😀   "quoted" \\' };
      await put(t, keyOf(t, 'd/old'), JSON.stringify(old), null);
      await put(t, keyOf(t, 'd/new'), JSON.stringify({ schema: 3, title: 'newer' }), null);
      const read = await t.main.call('state.get', 'old', (call) => documents.get('old', call));
      assert.deepEqual(read?.document, { schema: 2, title: old.name });
      assert.equal(await codeOf(t.main.call('state.get', 'new', (call) => documents.get('new', call))), 'unsupported');
    },
  },
  {
    ...base,
    id: 'state/lists-are-by-key-and-of-the-prefix-alone',
    number: 85,
    title: 'A list is in the order of the keys, of the prefix alone, over all pages',
    async run(t) {
      const count = 3 * (t.harness.pageSize ?? 3) + 2;
      const keys = Array.from({ length: count }, (_, at) => keyOf(t, `l/${String(count - at).padStart(3, '0')}`));
      for (const key of [...keys, keyOf(t, 'm/1'), keyOf(t, 'l')]) await put(t, key, '1', null);
      const state = await t.main.state();
      const seen = await t.main.call('state.list', 'l', (call) => Array.fromAsync(state.list(keyOf(t, 'l/'), call)));
      assert.deepEqual(
        seen.map(({ key }) => key),
        [...keys].sort(),
      );
    },
  },
  {
    id: 'state/what-was-can-be-rebuilt-from-tags',
    number: 86,
    title: 'Lists tell of all that is there what it takes to write its documents again',
    drivers: ['environments', 'slots'],
    needs: ['slots.router'],
    async run(t) {
      const environment = t.specs.environment('a1');
      const slot = t.specs.slot('s1');
      await Promise.all([t.main.make('environments', environment), t.main.make('slots', slot)]);
      for (const [kind, spec] of [
        ['environments', environment],
        ['slots', slot],
      ] as const) {
        const [found] = await t.tenant().list(kind); // as a process that knows nothing
        assert.equal(found?.id, spec.id);
        if (found.tags === undefined) continue; // there core's documents decide
        assert.deepEqual(found.tags, spec.tags, kind);
        assert.equal(found.fingerprint, spec.fingerprint, kind);
        assert.equal(t.main.host.identify(found.tags)?.id, spec.id);
      }
    },
  },
];

function keyOf(t: Trial, key: string): string {
  return `${t.main.owner.project}/${key}`;
}

async function put(t: Trial, key: string, value: string, expected: string | null): Promise<string> {
  const state = await t.main.state();
  return t.main.call('state.put', key, (call) => state.put(key, value, expected, call));
}

async function get(t: Trial, key: string): Promise<{ readonly value: string; readonly revision: string } | undefined> {
  const state = await t.main.state();
  return t.main.call('state.get', key, (call) => state.get(key, call));
}

interface Kept {
  readonly schema: 2;
  readonly title: string;
}

function documentKind(t: Trial): DocumentKind<Kept> {
  return {
    name: 'kit document',
    prefix: keyOf(t, 'd/'),
    schema: z.strictObject({ schema: z.literal(2), title: z.string() }),
    version: 2,
    upgrades: { 1: ({ name }) => ({ schema: 2, title: must(name as string | undefined, 'a name') }) }, // as it was put above
  };
}
