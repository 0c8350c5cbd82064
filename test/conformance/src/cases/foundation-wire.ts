import assert from 'node:assert/strict';
import type { Case } from '../kit/case.ts';
import type { RefusalKind } from '../kit/harness.ts';
import { codeOf, errorOf, must, type Trial } from '../kit/trial.ts';
import { isMutation, type Fault } from '../proxy/wire.ts';
import { kindsOf } from './cut-off.ts';
import { takenForNoAbsence, throttled } from './transport.ts';

const base = { drivers: ['foundation'], uses: ['wire', 'refusals'] } as const;

export const foundationWireCases: readonly Case[] = [
  {
    ...base,
    id: 'foundation/throttling-waits-as-long-as-it-is-told-to',
    number: 20,
    title: 'A foundation whose calls are throttled is made after their Retry-After',
    run: (t) => throttled(t, () => t.main.make('foundation', t.specs.foundation())),
  },
  {
    ...base,
    id: 'foundation/a-failure-of-the-server-may-have-been-carried-out',
    number: 21,
    title: 'A 5xx of any of its calls has an unknown effect, and what it did is found',
    uses: ['wire', 'refusals', 'inventory'],
    run: (t) => lostAtEveryCall(t, { kind: 'refuse', refusal: t.refusal('broken'), after: true }),
  },
  {
    ...base,
    id: 'foundation/a-reset-after-the-commit-is-found-out',
    number: 22,
    title: 'A connection that breaks off after any of its calls has an unknown effect, and what it did is found',
    uses: ['wire', 'inventory'],
    run: (t) => lostAtEveryCall(t, { kind: 'reset', after: true }),
  },
  {
    ...base,
    id: 'foundation/an-unreadable-answer-is-not-absence',
    number: 23,
    title: "Of a foundation an answer that can't be read is an error, and no absence",
    run: (t) => neverAbsent(t, 'unreadable', undefined),
  },
  {
    ...base,
    id: 'foundation/a-refusal-is-not-absence',
    number: 24,
    title: 'Of a foundation a refused read is denied, and no absence',
    run: (t) => neverAbsent(t, 'denied', 'denied'),
  },
  {
    ...base,
    id: 'foundation/a-quota-is-not-tried-again',
    number: 26,
    title: 'A foundation that exceeds a quota is told at once, and goes on once there is more',
    async run(t) {
      const spec = t.specs.foundation();
      const from = t.wire.calls.length;
      const lift = t.wire.onMutations({ kind: 'refuse', refusal: t.refusal('quota'), after: false });
      assert.equal(await codeOf(t.main.make('foundation', spec)), 'quota');
      const asked = t.wire.since(from).filter(isMutation);
      const each = new Set(asked.map(({ method, path, body }) => `${method} ${path} ${body.toString()}`));
      assert.equal(asked.length, each.size, 'each is asked for once');
      lift();
      assert.equal((await t.main.make('foundation', spec)).phase, 'active');
    },
  },
];

/** Each mutating call is carried out and its answer lost, one in a call of the driver; the same driver goes on. */
async function lostAtEveryCall(t: Trial, fault: Fault): Promise<void> {
  const spec = t.specs.foundation();
  await t.main.make('foundation', spec);
  const kinds = await kindsOf(t);
  await t.main.remove('foundation', spec);
  for (let lost = true; lost;) {
    const target = t.wire.mutations + 1;
    const lift = t.wire.impose({ when: ({ mutation }) => mutation === target, fault });
    const error = await errorOf(t.main.make('foundation', spec, { attempts: 1 }));
    lift();
    lost = t.wire.mutations >= target;
    if (error) assert.notEqual(error.effect, 'none', 'it may have been carried out');
  }
  const { wire } = t;
  const before = wire.mutations;
  assert.equal((await t.main.make('foundation', spec)).phase, 'active');
  assert.equal((await t.tenant().make('foundation', spec)).phase, 'active');
  assert.equal(wire.mutations, before, 'it was whole');
  assert.equal((await t.main.list('foundation')).length, 1);
  assert.deepEqual(await kindsOf(t), kinds, 'one of everything');
}

async function neverAbsent(t: Trial, kind: RefusalKind, code: string | undefined): Promise<void> {
  const spec = t.specs.foundation();
  const made = await t.main.make('foundation', spec);
  const fresh = t.tenant();
  const looks = {
    read: () => fresh.read('foundation', made),
    list: () => fresh.list('foundation'),
    ensure: () => fresh.ensure('foundation', spec),
    destroy: () => fresh.destroy('foundation', spec),
  };
  await takenForNoAbsence(t, { kind, code }, looks);
  assert.equal(must(await t.main.read('foundation', made), 'the foundation').phase, 'active');
}
