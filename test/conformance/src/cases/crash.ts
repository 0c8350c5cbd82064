import assert from 'node:assert/strict';
import { doJob, type Job } from '../crash/job.ts';
import { CrashLab, type Moment } from '../crash/lab.ts';
import type { Case } from '../kit/case.ts';
import { isMutation, type WireCall } from '../proxy/wire.ts';
import { must, type Trial } from '../kit/trial.ts';

const base = { drivers: ['environments'], uses: ['wire', 'inventory'] } as const;

export const crashCases: readonly Case[] = [
  {
    ...base,
    id: 'crash/killed-before-a-call-is-sent',
    number: 14,
    title: 'Killed before any of its mutating calls, the same call finishes the same work',
    run: (t) => inLab(t, (lab) => everyCall(t, lab, 'before')),
  },
  {
    ...base,
    id: 'crash/killed-after-it-is-applied-and-before-the-answer',
    number: 15,
    title:
      'Killed after any of its mutating calls was applied and before the answer, the same call finishes the same work',
    run: (t) => inLab(t, (lab) => everyCall(t, lab, 'after')),
  },
  {
    ...base,
    id: 'crash/killed-after-the-answer-and-before-the-journal',
    number: 16,
    title:
      'Killed after the answer to any of its mutating calls and before the journal, the same call finishes the same work',
    run: (t) => inLab(t, (lab) => everyCall(t, lab, 'answered')),
  },
  {
    ...base,
    id: 'crash/what-a-killed-one-left-is-ours',
    number: 17,
    title: 'Killed between any two calls, what is there already carries its tags, and can be removed',
    run: (t) =>
      inLab(t, async (lab) => {
        const calls = await callsOf(t, makeEnvironment(t, 'a0'));
        await t.main.remove('environments', { id: 'a0' });
        const before = (await t.things()).length;
        for (let nth = 1; nth <= calls; nth++) {
          const job = makeEnvironment(t, `a${String(nth)}`);
          await killAt(t, lab, job, 'answered', nth);
          for (const thing of await t.things()) {
            if (thing.tags !== undefined) assert.ok(thing.identity, `${thing.kind} ${thing.name} has no tags of ours`);
          }
          await t.main.remove('environments', job.spec);
          assert.equal((await t.things()).length, before, `after call ${String(nth)}`);
        }
      }),
  },
  {
    ...base,
    id: 'crash/killed-in-the-middle-of-a-wait',
    number: 18,
    title: 'Killed while it waits, another process goes on',
    uses: [...base.uses, 'services'],
    run: (t) =>
      inLab(t, async (lab) => {
        const slow = { web: t.specs.service('a1', { env: { KIT_SLOW_SECONDS: '0.5' } }) };
        const job = { ...makeEnvironment(t, 'a1'), spec: t.specs.environment('a1', { services: slow }) };
        const calls = await callsOf(t, makeEnvironment(t, 'a0'));
        const before = (await t.things()).length;
        const start = t.wire.mutations;
        const isWaiting = (call: WireCall) => !isMutation(call) && t.wire.mutations >= start + calls;
        const fate = await lab.run(orderOf(t, job), 'before', isWaiting);
        await doJob(t.tenant(), job);
        assert.equal((await t.main.read('environments', { id: 'a1' }))?.phase, 'active', `it was ${fate}`);
        assert.equal((await t.main.list('environments')).length, 2);
        assert.equal((await t.things()).length, 2 * before, 'one of everything');
      }),
  },
  {
    ...base,
    id: 'crash/killed-in-a-removal',
    number: 19,
    title: 'Killed at any moment of a removal, the same call removes everything',
    run: (t) =>
      inLab(t, async (lab) => {
        await doJob(t.main, makeEnvironment(t, 'a0'));
        const calls = await callsOf(t, removeEnvironment('a0'));
        for (const moment of ['before', 'after', 'answered'] as const) {
          for (let nth = 1; nth <= calls; nth++) {
            const id = `${moment}${String(nth)}`;
            await doJob(t.main, makeEnvironment(t, id));
            const job = removeEnvironment(id);
            await killAt(t, lab, job, moment, nth);
            await doJob(t.tenant(), job);
            assert.deepEqual(await t.things(), [], `killed ${moment} call ${String(nth)}`);
          }
        }
      }),
  },
];

interface Scenario {
  readonly name: string;
  job(id: string): Promise<Job>;
  /** That it is as it would be without a kill. */
  check(id: string): Promise<void>;
}

/** Every kind of work, killed at every one of its mutating calls. */
async function everyCall(t: Trial, lab: CrashLab, moment: Moment): Promise<void> {
  for (const { name, job: jobOf, check } of scenarios(t)) {
    const things = async () => (await t.things()).length;
    const before = await things();
    const calls = await callsOf(t, await jobOf('c0'));
    await check('c0');
    const made = (await things()) - before;
    for (let nth = 1; nth <= calls; nth++) {
      const id = `c${String(nth)}`;
      const job = await jobOf(id);
      const start = await things();
      await killAt(t, lab, job, moment, nth);
      await doJob(t.tenant(), job).catch((error: unknown) => ignoreOwnConflict(job, error));
      await check(id);
      const where = `${name}, killed at call ${String(nth)}`;
      assert.equal((await things()) - start, made, `one of everything: ${where}`);
    }
  }
}

function scenarios(t: Trial): readonly Scenario[] {
  const { main, provider } = t;
  const isOnce = async (kind: 'environments' | 'slots' | 'volumes', id: string) => {
    const all = (await main.list(kind)).filter((one) => one.id === id);
    assert.deepEqual(
      all.map(({ phase }) => phase),
      ['active'],
      `${kind} ${id}`,
    );
  };
  const token = (id: string) => `token-of-${id}`;
  return [
    { name: 'an environment', job: async (id) => makeEnvironment(t, id), check: (id) => isOnce('environments', id) },
    ...(provider.drivers.slots
      ? [
          {
            name: 'a slot',
            job: async (id: string): Promise<Job> => ({
              verb: 'make',
              kind: 'slots',
              spec: t.specs.slot(slotOf(id)),
              token: token(id),
            }),
            check: (id: string) => isOnce('slots', slotOf(id)),
          },
          {
            name: 'a flip',
            job: async (id: string): Promise<Job> => {
              const head = must(await main.read('environments', { id: 'c0' }), 'the head');
              const slot = must(await main.read('slots', { id: slotOf('c0') }), 'the slot');
              const routes = [{ handle: head.handle, percent: 100 }];
              return { verb: 'route', slot, routes, stamp: id, token: token(`flip-${id}`) };
            },
            check: async (id: string) => {
              const slot = await main.read('slots', { id: slotOf('c0') });
              assert.deepEqual([slot?.routes.length, slot?.stamp ?? id], [1, id]);
            },
          },
        ]
      : []),
    ...(provider.drivers.storage
      ? [
          {
            name: 'a volume',
            job: async (id: string): Promise<Job> => ({
              verb: 'make',
              kind: 'volumes',
              spec: t.specs.volume(id),
              token: token(id),
            }),
            check: (id: string) => isOnce('volumes', id),
          },
        ]
      : []),
  ];
}

/** Beside an environment of the same number, whose host it can't have. */
function slotOf(id: string): string {
  return `slot-${id}`;
}

/** A write on a condition that was carried out the first time finds its own: core reads, and sees that it is there. */
function ignoreOwnConflict(job: Job, error: unknown): void {
  const isConflict = typeof error === 'object' && error !== null && 'code' in error && error.code === 'conflict';
  if (job.verb !== 'route' || !isConflict) throw error;
}

function makeEnvironment(t: Trial, id: string): Job & { readonly verb: 'make' } {
  return { verb: 'make', kind: 'environments', spec: t.specs.environment(id), token: `token-of-${id}` };
}

function removeEnvironment(id: string): Job {
  return { verb: 'remove', kind: 'environments', id, token: `token-of-removing-${id}` };
}

/** How many mutating calls it makes when nobody kills it. */
async function callsOf(t: Trial, job: Job): Promise<number> {
  const before = t.wire.mutations;
  await doJob(t.main, job);
  return t.wire.mutations - before;
}

async function killAt(t: Trial, lab: CrashLab, job: Job, moment: Moment, nth: number): Promise<void> {
  const target = t.wire.mutations + nth;
  await lab.run(orderOf(t, job), moment, ({ mutation }) => mutation === target);
}

function orderOf(t: Trial, job: Job) {
  const { config, env, foundationDomain } = t.account;
  const { settleSeconds, secrets } = t;
  const account = { config, env, ...(foundationDomain !== undefined && { foundationDomain }) };
  return { account, owner: t.main.owner, artefacts: t.artefacts.folder, secrets, settleSeconds, job };
}

async function inLab(t: Trial, work: (lab: CrashLab) => Promise<void>): Promise<void> {
  const lab = new CrashLab(t.wire, t.harness.module);
  try {
    await work(lab);
  } finally {
    await lab.close();
  }
}
