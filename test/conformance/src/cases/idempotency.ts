import assert from 'node:assert/strict';
import type { Case } from '../kit/case.ts';

export const idempotencyCases: readonly Case[] = [
  {
    id: 'idempotency/ten-times-the-same-token-is-one-thing',
    number: 8,
    title: 'The same call ten times under one token makes one thing',
    drivers: ['environments'],
    uses: ['inventory'],
    async run(t) {
      const spec = t.specs.environment('a1');
      await t.main.make('environments', spec);
      const once = await t.things();
      for (let times = 1; times < 10; times++) await t.main.ensure('environments', spec);
      assert.equal((await t.main.list('environments')).length, 1);
      assert.deepEqual(namesOf(await t.things()), namesOf(once));
    },
  },
  {
    id: 'idempotency/another-spec-under-the-same-id-changes-nothing',
    number: 9,
    title: 'An environment that was made from another spec comes back untouched',
    drivers: ['environments'],
    async run(t) {
      const first = await t.environment('a1');
      const other = t.specs.environment('a1', t.specs.parts('other'));
      const found = await t.main.ensure('environments', other);
      assert.equal(found.fingerprint, first.fingerprint, 'its fingerprint tells core that it is another');
      assert.equal((await t.get(t.urlOf(found, other))).text, 'a1');
    },
  },
  {
    id: 'idempotency/an-expired-token-finds-what-is-there',
    number: 10,
    title: 'Under another token the existing thing is found',
    drivers: ['environments'],
    uses: ['inventory'],
    async run(t) {
      const spec = t.specs.environment('a1');
      const first = await t.main.make('environments', spec, { token: 'token-of-the-first-time' });
      const before = namesOf(await t.things());
      const again = await t.main.make('environments', spec, { token: 'token-of-another-time' });
      assert.deepEqual(again.handle, first.handle);
      assert.deepEqual(namesOf(await t.things()), before);
    },
  },
  {
    id: 'idempotency/no-change-no-write-no-restart',
    number: 11,
    title: 'What is as asked is not written again, and nothing restarts',
    drivers: ['environments'],
    uses: ['wire'],
    async run(t) {
      const spec = t.specs.environment('a1');
      const url = t.urlOf(await t.main.make('environments', spec), spec);
      const process = (await t.get(url, { do: 'pid' })).text;
      const slot = t.specs.slot('s1');
      const volume = t.specs.volume('v1');
      if (t.provider.drivers.slots) await t.main.make('slots', slot);
      if (t.provider.drivers.storage) await t.main.make('volumes', volume);
      const before = t.wire.mutations;
      await t.main.ensure('environments', spec);
      if (t.provider.drivers.slots) await t.main.ensure('slots', slot);
      if (t.provider.drivers.storage) await t.main.ensure('volumes', volume);
      assert.equal(t.wire.mutations, before, 'mutating calls');
      assert.equal((await t.get(url, { do: 'pid' })).text, process, 'the process that answers');
    },
  },
  {
    id: 'idempotency/destroy-twice',
    number: 12,
    title: 'To destroy what is gone succeeds',
    drivers: ['environments'],
    async run(t) {
      const made = await t.environment('a1');
      await t.main.remove('environments', made);
      await t.main.destroy('environments', made);
      await t.main.destroy('environments', { id: 'a1' });
      assert.equal(await t.main.read('environments', { id: 'a1' }), undefined);
    },
  },
  {
    id: 'idempotency/destroy-during-create',
    number: 13,
    title: 'What is still being made can be destroyed, and leaves nothing',
    drivers: ['environments'],
    uses: ['services', 'inventory'],
    async run(t) {
      const slow = t.specs.service('a1', { env: { KIT_SLOW_SECONDS: '20' } });
      const person = new AbortController();
      const spec = t.specs.environment('a1', { services: { web: slow } });
      const making = t.main.ensure('environments', spec, { signal: person.signal }).catch(() => undefined); // it is cut short
      const there = await t.until(
        'it is being made',
        () => t.main.read('environments', spec),
        (seen) => seen !== undefined,
      );
      assert.equal(there?.phase, 'creating');
      person.abort();
      await making;
      await t.main.remove('environments', { id: 'a1' });
      assert.deepEqual(await t.things(), []);
    },
  },
];

function namesOf(things: readonly { readonly kind: string; readonly name: string }[]): readonly string[] {
  return things.map(({ kind, name }) => `${kind} ${name}`).sort();
}
