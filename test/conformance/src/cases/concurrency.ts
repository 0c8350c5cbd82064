import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProviderError, type Call, type Route } from '@clusternator/core';
import type { Case } from '../kit/case.ts';
import { codeOf, type Trial } from '../kit/trial.ts';

/** Longer than any wait that an abort is to end. */
const LONG_SECONDS = 30;

export const concurrencyCases: readonly Case[] = [
  {
    id: 'concurrency/ten-at-once-make-one-thing',
    number: 34,
    title: 'Ten parallel calls for one thing make one thing',
    drivers: ['environments'],
    async run(t) {
      const spec = t.specs.environment('a1');
      const all = await Promise.all(Array.from({ length: 10 }, () => t.tenant().make('environments', spec)));
      assert.equal(new Set(all.map(({ handle }) => JSON.stringify(handle))).size, 1, 'handles');
      assert.equal((await t.main.list('environments')).length, 1);
    },
  },
  {
    id: 'concurrency/of-two-routings-from-one-reading-one-fails',
    number: 35,
    title: 'Of two routings from one reading, one is a conflict',
    drivers: ['environments', 'slots'],
    needs: ['slots.router', 'slots.compareAndSet'],
    async run(t) {
      const made = await Promise.all(['a1', 'a2'].map((id) => t.environment(id)));
      const slot = await t.main.make('slots', t.specs.slot('s1'));
      const driver = await t.main.slots();
      const codes = await Promise.all(
        made.map(({ handle }, at) =>
          codeOf(
            t.main.call('slots.route', `s1 ${String(at)}`, (call) =>
              driver.route(slot, [{ handle, percent: 100 }], `s${String(at)}`, call),
            ),
          ),
        ),
      );
      assert.deepEqual(codes.sort(), ['conflict', 'nothing was thrown']);
    },
  },
  {
    id: 'concurrency/a-superseded-owner-cant-route',
    number: 36,
    title: 'Who read before another wrote can not write any more, and who reads again can',
    drivers: ['environments', 'slots'],
    needs: ['slots.router', 'slots.compareAndSet'],
    async run(t) {
      const { handle } = await t.environment('a1');
      const sleepers = await t.main.make('slots', t.specs.slot('s1'));
      const driver = await t.main.slots();
      const routes: readonly Route[] = [{ handle, percent: 100 }];
      const route = (stamp: string, from: typeof sleepers) =>
        t.main.call('slots.route', stamp, (call) => driver.route(from, routes, stamp, call));
      // Equal routes under another stamp are written again: that is what fences the sleeper.
      const second = await route('e2', await route('e1', sleepers));
      assert.equal(await codeOf(route('e1', sleepers)), 'conflict');
      assert.equal((await route('e3', second)).stamp ?? 'e3', 'e3');
    },
  },
  {
    id: 'concurrency/a-neighbours-change-is-no-lost-race',
    number: 36,
    title: "A neighbour's change of the same cloud object does not cost the right to write",
    drivers: ['environments', 'slots'],
    needs: ['slots.router'],
    uses: ['annotate'],
    async run(t) {
      const { handle } = await t.environment('a1');
      const driver = await t.main.slots();
      const before = await t.main.make('slots', t.specs.slot('s1'));
      await t.stranger.annotate?.(t.target('slot', 's1'));
      const routes: readonly Route[] = [{ handle, percent: 100 }];
      const from = async (slot: typeof before) =>
        codeOf(t.main.call('slots.route', 's1', (call) => driver.route(slot, routes, 'e1', call)));
      const first = await from(before);
      if (first === 'nothing was thrown') return;
      assert.equal(first, 'conflict');
      const now = await t.main.read('slots', { id: 's1' });
      assert.deepEqual(now?.routes, before.routes, 'its routes are as they were');
      assert.equal(await from(now), 'nothing was thrown');
    },
  },
  {
    id: 'concurrency/an-abort-before-sending-sends-nothing',
    number: 37,
    title: 'After an abort nothing is sent',
    drivers: ['environments'],
    uses: ['wire'],
    async run(t) {
      const driver = await t.main.environments();
      const before = t.wire.calls.length;
      const call = bareCall(t, AbortSignal.abort(new ProviderError('cancelled', 'a person aborted')));
      const error = await thrownBy(driver.ensure(t.specs.environment('a1'), call));
      assert.ok(error !== undefined, 'it says that it was aborted');
      if (ProviderError.is(error) && error !== call.signal.reason) assert.equal(error.effect, 'none');
      assert.equal(t.wire.calls.length, before);
    },
  },
  {
    id: 'concurrency/an-abort-in-flight-tells-the-truth',
    number: 38,
    title: 'After an abort in flight the effect is not said to be none',
    drivers: ['environments'],
    uses: ['wire'],
    async run(t) {
      const person = new AbortController();
      const sent = Promise.withResolvers<undefined>();
      const act = async () => {
        sent.resolve(undefined);
        await sleep(50); // the answer stays away for good: whoever asked is gone by then
      };
      t.wire.onMutations({ kind: 'interrupt', at: 'after', act }, 1);
      const making = t.main.ensure('environments', t.specs.environment('a1'), { signal: person.signal });
      const settled = thrownBy(making);
      await sent.promise;
      person.abort(new ProviderError('cancelled', 'a person aborted'));
      const error = await settled;
      assert.ok(ProviderError.is(error), 'it says that it was aborted');
      assert.notEqual(error.effect, 'none');
      t.wire.lift();
      assert.equal((await t.environment('a1')).phase, 'active', 'and is finished by the same call');
    },
  },
  {
    id: 'concurrency/an-abort-ends-a-wait-at-once',
    number: 39,
    title: 'An abort ends a wait at once',
    drivers: ['environments', 'slots'],
    needs: ['slots.router'],
    async run(t) {
      const { handle } = await t.environment('a1');
      const slot = await t.main.make('slots', t.specs.slot('s1'));
      const driver = await t.main.slots();
      const person = new AbortController();
      // Whatever it waits for, it waits long.
      t.clock.pace = LONG_SECONDS * 100;
      const wait = thrownBy(driver.route(slot, [{ handle, percent: 100 }], 'e1', bareCall(t, person.signal)));
      if (t.hasWire) t.wire.onReads({ kind: 'delay', seconds: LONG_SECONDS });
      await sleep(20);
      person.abort(new ProviderError('cancelled', 'a person aborted'));
      assert.notEqual(await soon(wait), 'still waits');
    },
  },
  {
    id: 'concurrency/the-deadline-holds',
    number: 40,
    title: 'A cloud that does not answer holds nobody beyond the deadline',
    drivers: ['environments'],
    uses: ['wire'],
    async run(t) {
      const driver = await t.main.environments();
      t.wire.impose({ when: () => true, fault: { kind: 'silence', after: false } });
      const call = bareCall(t, AbortSignal.timeout(300));
      assert.notEqual(await soon(thrownBy(driver.ensure(t.specs.environment('a1'), call))), 'still waits');
    },
  },
];

/** Without core's own guard, so that it is the driver that listens. */
function bareCall(t: Trial, signal: AbortSignal): Call {
  const deadline = new Date(t.clock.now().getTime() + 60_000);
  return { signal, deadline, operation: 'kit', token: (use) => `kit-${use ?? 'token'}`, progress: () => {} };
}

async function thrownBy(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Or `still waits`, long before what is waited for. */
function soon(work: Promise<unknown>): Promise<unknown> {
  return Promise.race([work, sleep((LONG_SECONDS * 1000) / 6, 'still waits', { ref: false })]);
}
