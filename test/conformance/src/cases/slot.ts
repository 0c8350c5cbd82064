import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment, Route, Slot } from '@clusternator/core';
import type { Case } from '../kit/case.ts';
import type { HttpAnswer, HttpOptions } from '../kit/http.ts';
import { codeOf, must, type Trial } from '../kit/trial.ts';
import { health } from './environment.ts';

export const base = { drivers: ['environments', 'slots'], needs: ['slots.router', 'slots.shared'] } as const;

export const slotCases: readonly Case[] = [
  {
    ...base,
    id: 'slot/no-target-is-unhealthy',
    number: 55,
    title: 'A slot without a target answers 503, and an environment of which nothing runs is not healthy',
    needs: [...base.needs, 'environments.scale'],
    async run(t) {
      const slot = await t.main.make('slots', t.specs.slot('s1'));
      const { status } = await t.followed(t.urlOf(slot, t.specs.slot('s1')), (answer) => answer.status === 503);
      assert.equal(status, 503);
      const made = await t.main.make(
        'environments',
        t.specs.environment('a1', { services: { web: t.specs.service('a1', { instances: { min: 0, max: 0 } }) } }),
      );
      assert.equal((await health(t, made)).healthy, false);
    },
  },
  {
    ...base,
    id: 'slot/a-flip-loses-and-mixes-nothing',
    number: 56,
    title: 'Under steady load a flip loses no request, and none reaches the old head after it returned',
    async run(t) {
      const { slot, made, url } = await scene(t, ['a1', 'a2']);
      let at = await flip(t, slot, must(made[0], 'a head'));
      await serves(t, url, 'a1');
      for (const [turn, next] of ['a2', 'a1', 'a2'].entries()) {
        const load = new Load(t, url);
        await load.seen(10);
        at = await flip(
          t,
          at,
          must(
            made.find(({ id }) => id === next),
            next,
          ),
          `f${String(turn)}`,
        );
        if (t.followSeconds > 0) await serves(t, url, next);
        const returned = load.sent;
        await load.seen(10);
        const answers = await load.stop();
        assert.deepEqual(
          answers.filter(({ answer }) => answer.status !== 200),
          [],
          'lost',
        );
        const late = answers.filter(({ number, answer }) => number > returned && answer.text !== next);
        assert.deepEqual(late, [], `to the old head after the flip to ${next} returned`);
      }
    },
  },
  {
    ...base,
    id: 'slot/all-parts-move-in-one-step',
    number: 56,
    title: 'All parts of a slot move in one step: who saw one of them on the new head sees all of them there',
    needs: [...base.needs, 'slots.atomic', 'environments.paths'],
    async run(t) {
      const parts = { web: '/', api: '/api' };
      const made = await Promise.all(['a1', 'a2'].map((id) => t.environment(id, t.specs.parts(id, parts))));
      const [first, second] = made.map((one) => must(one, 'an environment'));
      const spec = t.specs.slot('s1', { parts });
      const slot = await t.main.make('slots', spec);
      const url = t.urlOf(slot, spec);
      const at = await flip(t, slot, must(first, 'a head'));
      const mixed: string[] = [];
      const watching = new AbortController();
      const watch = async (one: string, other: string) => {
        while (!watching.signal.aborted) {
          if ((await t.get(one)).text !== 'a2') continue;
          const then = (await t.get(other)).text;
          if (then !== 'a2') mixed.push(`${one} was on the new head, and then ${other} on ${then}`);
        }
      };
      const watchers = Promise.all([watch(url, `${url}/api/`), watch(`${url}/api/`, url)]);
      await flip(t, at, must(second, 'a head'), 'e2').finally(() => {
        watching.abort();
      });
      await watchers;
      assert.deepEqual(mixed, []);
      assert.deepEqual([(await t.get(url)).text, (await t.get(`${url}/api/`)).text], ['a2', 'a2']);
    },
  },
  {
    ...base,
    id: 'slot/what-has-traffic-cant-be-destroyed',
    number: 57,
    title: 'An environment that a slot routes to can not be destroyed, and serves on',
    async run(t) {
      const { slot, made, url } = await scene(t, ['a1']);
      const head = must(made[0], 'a head');
      const routed = await flip(t, slot, head);
      assert.equal(await codeOf(t.main.destroy('environments', head)), 'conflict');
      await serves(t, url, 'a1');
      await route(t, routed, [], 'e2');
      await t.main.remove('environments', head);
    },
  },
  {
    ...base,
    id: 'slot/weights-are-seen-in-the-traffic',
    number: 58,
    title: 'Weights add up to 100, come back as they were written, and are seen in the traffic',
    needs: [...base.needs, 'slots.weights'],
    async run(t) {
      const { slot, made, url } = await scene(t, ['a1', 'a2']);
      const [first, second] = made.map(({ handle }) => handle);
      const routes: readonly Route[] = [
        { handle: must(first, 'a handle'), percent: 80 },
        { handle: must(second, 'a handle'), percent: 20 },
      ];
      const seen = await route(t, slot, routes, 'e1');
      assert.deepEqual(seen.routes.map(({ percent }) => percent).sort(), [20, 80]);
      await t.followed(url, ({ text }) => text === 'a2');
      const { Agent } = url.startsWith('https:') ? https : http;
      const agent = new Agent({ keepAlive: true, maxSockets: 8 });
      const answers = await Promise.all(Array.from({ length: 400 }, () => t.get(url, {}, { agent })));
      agent.destroy();
      const share = answers.filter(({ text }) => text === 'a2').length / answers.length;
      // Nine standard deviations of a fair draw: a wrong weight is further off.
      assert.ok(share > 0.02 && share < 0.38, `20 % was ${String(Math.round(share * 100))} %`);
    },
  },
  {
    ...base,
    id: 'slot/other-slots-are-untouched',
    number: 59,
    title: 'A flip of one slot touches no other',
    async run(t) {
      const { slot, made } = await scene(t, ['a1', 'a2']);
      const other = await t.main.make('slots', t.specs.slot('s2'));
      const [first, second] = made;
      const before = await flip(t, other, must(first, 'a head'), 'o1');
      await flip(t, slot, must(second, 'a head'));
      const after = await t.main.read('slots', { id: 's2' });
      assert.deepEqual([after?.routes, after?.stamp], [before.routes, before.stamp]);
      await serves(t, t.urlOf(other, t.specs.slot('s2')), 'a1');
      await flip(t, before, must(second, 'a head'), 'o2'); // on condition of what was read before
    },
  },
  {
    ...base,
    id: 'slot/drift-is-seen-and-not-overwritten',
    number: 60,
    title: 'Routes that somebody else wrote are reported, and not overwritten',
    needs: [...base.needs, 'slots.compareAndSet'],
    uses: ['reroute'],
    async run(t) {
      const { slot, made, url } = await scene(t, ['a1', 'a2']);
      const [first, second] = made.map((one) => must(one, 'an environment'));
      const ours = await flip(t, slot, must(first, 'a head'));
      await t.stranger.reroute?.(t.target('slot', 's1'), t.target('environment', 'a2'));
      const read = must(await t.main.read('slots', { id: 's1' }), 'the slot');
      assert.deepEqual(
        read.routes.map(({ handle }) => handle),
        [must(second, 'a head').handle],
        'what is served',
      );
      assert.notEqual(read.stamp ?? 'theirs', 'e1', 'not under our stamp');
      await t.main.ensure('slots', t.specs.slot('s1'));
      assert.equal(await codeOf(flip(t, ours, must(first, 'a head'), 'e2')), 'conflict');
      await t.until(
        'their head serves',
        () => t.get(url),
        ({ text }) => text === 'a2',
      );
    },
  },
  {
    ...base,
    id: 'slot/long-requests-finish-on-the-old-head',
    number: 61,
    title: 'A request that is under way when its slot flips finishes on the old head',
    uses: ['services'],
    async run(t) {
      const { slot, made, url } = await scene(t, ['a1', 'a2']);
      const at = await flip(t, slot, must(made[0], 'a head'));
      await serves(t, url, 'a1');
      const long = t.get(url, { do: 'slow', seconds: '1' });
      await sleep(100); // it has arrived by then; had it not, it would be answered by the new head
      await flip(t, at, must(made[1], 'a head'), 'e2');
      await serves(t, url, 'a2');
      assert.equal((await long).text, 'a1');
    },
  },
  {
    ...base,
    id: 'slot/standbys-answer-under-their-own-hosts',
    number: 4,
    title: 'A standby answers under its own host name',
    async run(t) {
      const { slot, made, url } = await scene(t, ['a1', 'a2']);
      const [head, standby] = made.map(({ handle }) => handle);
      const routes = [
        { handle: must(head, 'a head'), percent: 100 },
        { handle: must(standby, 'a standby'), percent: 0 },
      ];
      const seen = await route(t, slot, routes, 'e1');
      assert.deepEqual(
        seen.routes.map(({ percent }) => percent),
        [100, 0],
      );
      const other = new URL(url);
      other.hostname = t.specs.host('s1-1');
      await serves(t, url, 'a1');
      await serves(t, other.href, 'a2');
    },
  },
  {
    ...base,
    id: 'slot/hosts-of-ones-own-are-answered',
    number: 4,
    title: "A slot answers under a host name outside of the project's domain",
    needs: [...base.needs, 'slots.hosts'],
    async run(t) {
      const made = await t.environment('a1');
      const own = `www.${t.main.owner.project}.example`;
      const spec = t.specs.slot('s1', { hosts: [t.specs.host('s1'), own] });
      const slot = await flip(t, await t.main.make('slots', spec), made);
      const url = t.urlOf(slot, spec);
      const { port } = new URL(url);
      const headers = { host: port === '' ? own : `${own}:${port}` };
      await serves(t, url, 'a1');
      await serves(t, url, 'a1', { headers });
    },
  },
];

/** At once, or as soon as the cloud follows. */
async function serves(t: Trial, url: string, id: string, options?: HttpOptions): Promise<void> {
  const { status, text } = await t.followed(url, (answer) => answer.text === id, options);
  assert.deepEqual({ status, text }, { status: 200, text: id });
}

interface Scene {
  readonly slot: Slot;
  readonly made: readonly Environment[];
  readonly url: string;
}

export async function scene(t: Trial, ids: readonly string[]): Promise<Scene> {
  const made = await Promise.all(ids.map((id) => t.environment(id)));
  const slot = await t.main.make('slots', t.specs.slot('s1'));
  return { slot, made, url: t.urlOf(slot, t.specs.slot('s1')) };
}

async function route(t: Trial, slot: Slot, routes: readonly Route[], stamp: string): Promise<Slot> {
  const driver = await t.main.slots();
  return t.main.call('slots.route', `${slot.id} ${stamp}`, (call) => driver.route(slot, routes, stamp, call));
}

export function flip(t: Trial, slot: Slot, { handle }: Environment, stamp = 'e1'): Promise<Slot> {
  return route(t, slot, [{ handle, percent: 100 }], stamp);
}

/** Requests one after the other from two clients, each numbered as it is sent. */
class Load {
  sent = 0;
  readonly #answers: { readonly number: number; readonly answer: HttpAnswer }[] = [];
  #isOver = false;
  readonly #clients: readonly Promise<void>[];

  constructor(
    private readonly t: Trial,
    private readonly url: string,
  ) {
    this.#clients = [this.#client(), this.#client()];
  }

  /** Once so many more were answered. */
  async seen(more: number): Promise<void> {
    const wanted = this.#answers.length + more;
    while (this.#answers.length < wanted) await sleep(2);
  }

  async stop(): Promise<readonly { readonly number: number; readonly answer: HttpAnswer }[]> {
    this.#isOver = true;
    await Promise.all(this.#clients);
    return this.#answers;
  }

  async #client(): Promise<void> {
    while (!this.#isOver) {
      const number = ++this.sent;
      const answer = await this.t.get(this.url).catch((error: unknown) => ({ status: 0, text: String(error) }));
      this.#answers.push({ number, answer });
    }
  }
}
