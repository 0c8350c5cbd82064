import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Call } from '../provider/host.ts';
import { documentsIn } from '../state/documents.ts';
import { memoryStore } from '../state/memory.ts';
import type { StateStore } from '../state/store.ts';
import { testCall } from '../state/testing/call.ts';
import { faultyStore, type Fault } from '../state/testing/faulty-store.ts';
import { type OperationRun, resumeOperation, startOperation } from './operation.ts';
import type { Step } from './steps.ts';
import { processOn, someProcess, textStep } from './testing/operations.ts';
import { VirtualClock } from './testing/virtual-clock.ts';

/** A cloud that knows tokens: asked again under the same one, it makes nothing. */
class Cloud {
  readonly made = new Map<string, string>();
  readonly order: string[] = [];

  make(step: string, token: string): void {
    if (this.made.has(token)) return;
    this.made.set(token, step);
    this.order.push(step);
  }
}

/** A process that dies at its n-th dealing with the world, before or after that took effect; and then does nothing any more. */
class Mortal {
  private dealings = 0;
  readonly death = Promise.withResolvers<'died'>();

  constructor(private readonly diesAt: number) {}

  async deal<T>(act: () => T | Promise<T>): Promise<T> {
    await this.breathe();
    const result = await act();
    await this.breathe();
    return result;
  }

  private async breathe(): Promise<void> {
    if (this.dealings++ < this.diesAt) return;
    this.death.resolve('died');
    await new Promise(() => {});
  }
}

function mortalStore(store: StateStore, mortal: Mortal): StateStore {
  return {
    get: (key, call) => mortal.deal(() => store.get(key, call)),
    put: (key, value, expected, call) => mortal.deal(() => store.put(key, value, expected, call)),
    delete: (key, expected, call) => mortal.deal(() => store.delete(key, expected, call)),
    list: (prefix, call) => store.list(prefix, call),
  };
}

/** Step n comes after some of those before it. */
const plans = fc
  .array(fc.array(fc.nat(), { maxLength: 2 }), { minLength: 1, maxLength: 5 })
  .map((edges) =>
    edges.map((after, at) => ({ id: `s${at}`, after: at === 0 ? [] : [...new Set(after.map((n) => `s${n % at}`))] })),
  );
type Plan = readonly { readonly id: string; readonly after: readonly string[] }[];
const deaths = fc.array(fc.nat({ max: 40 }), { maxLength: 6 });
const faults = fc.array(fc.constantFrom<Fault>(undefined, undefined, undefined, 'applied', 'torn', 'late'), {
  maxLength: 20,
});

test('wherever processes die and answers are lost, an operation ends with one of everything, in its order', async () => {
  await fc.assert(
    fc.asyncProperty(plans, deaths, faults, async (plan, diesAt, lost) => {
      const memory = memoryStore();
      const cloud = new Cloud();
      // Not the first: a late one would be another operation, which is for its subject's document to refuse. And not too many in a row.
      const store = faultyStore(memory, (put) => (put % 5 === 0 ? undefined : lost[put]));
      for (const [life, at] of [...diesAt, Infinity].entries())
        await liveOnce({ plan, store, cloud, life, diesAt: at });

      const [finished] = await operationsIn(memory);
      expect(finished?.state).toBe('done');
      expect(finished?.steps.map((step) => step.state)).toEqual(plan.map(() => 'done'));
      expect([...cloud.order].sort()).toEqual(plan.map((step) => step.id).sort());
      for (const { id, after } of plan) {
        for (const before of after) expect(cloud.order.indexOf(before)).toBeLessThan(cloud.order.indexOf(id));
      }
    }),
    { numRuns: 200 },
  );
});

/** One process starts the operation, or takes over what it finds; until it has ended or has died. */
async function liveOnce(life: {
  plan: Plan;
  store: StateStore;
  cloud: Cloud;
  life: number;
  diesAt: number;
}): Promise<void> {
  const mortal = new Mortal(life.diesAt);
  const clock = new VirtualClock();
  const store = mortalStore(life.store, mortal);
  // Whoever is not of this life is dead, and that is known.
  const { deps } = processOn({ store, clock }, life.life, { identity: someProcess(life.life), liveness: () => 'dead' });
  const [found] = await operationsIn(life.store);
  if (found?.state === 'done') return;
  const work = (async () => {
    const run = await (found
      ? resumeOperation(deps, found.id)
      : startOperation(deps, { kind: 'create', subject: 'x', input: null }));
    await run.conclude(() => carryOut(run, life.plan, life.cloud, mortal));
    return 'ended';
  })();
  const time = new AbortController();
  const end = Promise.race([work, mortal.death.promise]).finally(() => time.abort());
  while (!time.signal.aborted) await clock.advance(0.05);
  await end;
}

async function carryOut(run: OperationRun, plan: Plan, cloud: Cloud, mortal: Mortal): Promise<unknown> {
  const steps: Step<string>[] = plan.map(({ id, after }) =>
    textStep(
      id,
      async (call: Call) => {
        await mortal.deal(() => cloud.make(id, call.token()));
        return `${id} is made`;
      },
      { after },
    ),
  );
  return run.stepsInParallel(steps);
}

async function operationsIn(store: StateStore) {
  const found = [];
  for await (const { document } of documentsIn(store).operations.list(testCall())) found.push(document);
  return found;
}
