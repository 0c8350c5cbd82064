import assert from 'node:assert/strict';
import type { Case } from '../kit/case.ts';
import type { Refusal, RefusalKind } from '../kit/harness.ts';
import { codeOf, errorOf, must, type Trial } from '../kit/trial.ts';
import type { WireCall } from '../proxy/wire.ts';

/** A bounded number of tries: five of core's, each of which an SDK may make five times. */
const MOST_TRIES = 25;

const base = { drivers: ['environments'], uses: ['wire', 'refusals'] } as const;

export const transportCases: readonly Case[] = [
  {
    ...base,
    id: 'transport/throttling-waits-as-long-as-it-is-told-to',
    number: 20,
    title: 'A 429 is tried again after its Retry-After, and not for ever',
    async run(t) {
      await throttled(t, () => t.environment('a1'));
      const lift = t.wire.onMutations({ kind: 'refuse', refusal: t.refusal('throttled'), after: false });
      const before = t.wire.mutations;
      assert.equal(await codeOf(t.environment('a2')), 'throttled');
      assert.ok(t.wire.mutations - before <= MOST_TRIES, `${String(t.wire.mutations - before)} tries`);
      lift();
    },
  },
  {
    ...base,
    id: 'transport/a-failure-of-the-server-may-have-been-carried-out',
    number: 21,
    title: 'A 5xx of a mutating call has an unknown effect, and what it did is found',
    run: (t) => lostThenFound(t, { kind: 'refuse', refusal: t.refusal('broken'), after: true }),
  },
  {
    ...base,
    id: 'transport/a-reset-after-the-commit-is-found-out',
    number: 22,
    title: 'A connection that breaks off after the commit has an unknown effect, and what it did is found',
    run: (t) => lostThenFound(t, { kind: 'reset', after: true }),
  },
  {
    ...base,
    id: 'transport/an-unreadable-answer-is-not-absence',
    number: 23,
    title: "An answer that can't be read is an error, and no absence",
    run: (t) => neverAbsent(t, 'unreadable', undefined),
  },
  {
    ...base,
    id: 'transport/a-refusal-is-not-absence',
    number: 24,
    title: 'A refused read is denied, and no absence',
    run: (t) => neverAbsent(t, 'denied', 'denied'),
  },
  {
    ...base,
    id: 'transport/credentials-that-expire-midway',
    number: 25,
    title: 'Credentials that expire midway are told, and with new ones the same work is finished',
    uses: ['wire', 'refusals', 'inventory'],
    async run(t) {
      const from = t.wire.mutations + 1;
      const lift = t.wire.impose({
        when: () => t.wire.mutations > from,
        fault: { kind: 'refuse', refusal: t.refusal('expired'), after: false },
      });
      const spec = t.specs.environment('a1');
      assert.equal(await codeOf(t.main.make('environments', spec)), 'unauthenticated');
      lift();
      const made = await t.main.make('environments', spec);
      assert.equal(made.phase, 'active');
      assert.equal((await t.main.list('environments')).length, 1);
    },
  },
  {
    ...base,
    id: 'transport/a-quota-is-not-tried-again',
    number: 26,
    title: 'What exceeds a quota is told at once',
    async run(t) {
      t.wire.onMutations({ kind: 'refuse', refusal: t.refusal('quota'), after: false });
      const before = t.wire.mutations;
      assert.equal(await codeOf(t.environment('a1')), 'quota');
      assert.equal(t.wire.mutations - before, 1, 'tries');
    },
  },
];

/** Does a work whose first two mutating calls are refused, and looks at how long they were waited for. */
export async function throttled(t: Trial, work: () => Promise<unknown>): Promise<void> {
  const refusal = t.refusal('throttled');
  let told = 0;
  const noted = (call: WireCall): Refusal => {
    const said = typeof refusal === 'function' ? refusal(call) : refusal;
    told = Number(said.headers?.['retry-after'] ?? 0);
    return said;
  };
  t.clock.pace = 0.01;
  t.wire.onMutations({ kind: 'refuse', refusal: noted, after: false }, 2);
  await work();
  assert.ok(
    t.clock.waits.some((seconds) => seconds >= told),
    `no wait was as long as ${String(told)} s`,
  );
}

/** The first mutating call of each is carried out, and its answer lost. */
async function lostThenFound(t: Trial, fault: Parameters<Trial['wire']['onMutations']>[0]): Promise<void> {
  const spec = t.specs.environment('a1');
  // Whichever of its calls it is: the answer to one may be of no use, and that to the next all that counts.
  for (let nth = 1; ; nth++) {
    const id = `a${String(nth)}`;
    const target = t.wire.mutations + nth;
    const lift = t.wire.impose({ when: ({ mutation }) => mutation === target, fault, times: 1 });
    const error = await errorOf(t.main.ensure('environments', { ...t.specs.environment(id) }));
    const hasStruck = t.wire.mutations >= target;
    lift();
    if (error) assert.notEqual(error.effect, 'none', 'it may have been carried out');
    const made = await t.main.make('environments', t.specs.environment(id));
    assert.equal(made.phase, 'active');
    if (!hasStruck) break;
  }
  const all = await t.main.list('environments');
  assert.equal(new Set(all.map(({ id }) => id)).size, all.length, 'each is there once');
  assert.ok(all.some(({ id }) => id === spec.id));
}

async function neverAbsent(t: Trial, kind: 'unreadable' | 'denied', code: string | undefined): Promise<void> {
  const made = await t.environment('a1');
  const { main } = t;
  const looks = {
    read: () => main.read('environments', made),
    list: () => main.list('environments'),
    ensure: () => main.ensure('environments', t.specs.environment('a1')),
  };
  await takenForNoAbsence(t, { kind, code }, looks);
  assert.equal(must(await main.read('environments', made), 'the environment').phase, 'active');
}

/**
 * Has all reads refused while somebody looks.
 * @param refused - How, and what is told of it. `code` left out: any error but an absence.
 */
export async function takenForNoAbsence(
  t: Trial,
  { kind, code }: { readonly kind: RefusalKind; readonly code: string | undefined },
  looks: Readonly<Record<string, () => Promise<unknown>>>,
): Promise<void> {
  const before = t.wire.mutations;
  t.wire.onReads({ kind: 'refuse', refusal: t.refusal(kind), after: false });
  for (const [verb, look] of Object.entries(looks)) {
    const told = await codeOf(look());
    assert.notEqual(told, 'nothing was thrown', `${verb} took it for an answer`);
    assert.notEqual(told, 'not-found', `${verb} took it for an absence`);
    if (code !== undefined) assert.equal(told, code, verb);
  }
  assert.equal(t.wire.mutations, before, 'nothing is written on such grounds');
  t.wire.lift();
}
