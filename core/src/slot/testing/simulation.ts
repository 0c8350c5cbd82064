import { resumeOperation } from '../../engine/operation.ts';
import { hasEnded } from '../../engine/ownership.ts';
import { destroyEnvironment } from '../../environment/destroy.ts';
import { collectGarbage } from '../../environment/gc.ts';
import { resourceIdOf } from '../../environment/life.ts';
import type { Session } from '../../host/session.ts';
import { ProviderError } from '../../provider/error.ts';
import { testCall } from '../../state/testing/call.ts';
import { collectPins } from '../collect.ts';
import { makeAhead } from '../create-bound.ts';
import { destroySlot } from '../destroy.ts';
import { slotLeftovers } from '../leftovers.ts';
import { promote } from '../promote.ts';
import { rollback } from '../rollback.ts';
import '../takeover.ts';
import { repair } from '../upkeep.ts';
import { checkAtRest, checkDisksAtRest, watchWorld } from './invariants.ts';
import type { Deal } from './deal.ts';
import type { RouterKind } from './memory-router.ts';
import { quiet } from './sim-clock.ts';
import { CAPABILITIES, World } from './world.ts';

const LETTERS = Array.from('abcd');
const SLOTS = {
  master: { standbys: 1, drain: { requests: '0s', ws: '0s' } },
  staging: { standbys: 2, bake: '3s', env: { MODE: 'staging' }, drain: { requests: '2s', ws: '0s' } },
};
const MOST_AT_A_TIME = 5;
/** A database on a disk of each slot. */
const ON_DISKS = {
  services: { db: { command: 'node db.js', volumes: { data: 'data' } } },
  volumes: { data: { kind: 'disk', scope: 'slot' } },
};

interface Pending {
  readonly actor: Actor;
  readonly what: string;
  hasSlept: boolean;
  /** It takes effect. */
  act(): Promise<void>;
  answer(): void;
  /** Its answer does not come. */
  lose(): void;
}
interface Actor {
  readonly name: string;
  readonly pid: number;
  readonly doing: string;
  paused: boolean;
  dead: boolean;
  ended: boolean;
}

/** What one run of the simulation came to. */
export interface Simulated {
  readonly problems: readonly string[];
  readonly history: readonly string[];
  readonly dealings: number;
}

/**
 * Processes that promote, roll back, destroy, create and collect at the same time, each of whose dealings with the world is let through one by
 * one, in an order that a seed decides: it may be lost, come late, or be the last that its process does; processes may sleep, dates may jump.
 */
export class Simulation {
  private readonly world: World;
  private readonly pending: Pending[] = [];
  private readonly late: (() => Promise<void>)[] = [];
  private readonly actors: Actor[] = [];
  private readonly history: string[] = [];
  private readonly problems: string[];
  private readonly told: { readonly by: string; readonly said: 'done' | 'untouched' }[] = [];
  private faults = true;
  private outage = false;
  private dealings = 0;
  private names = 0;

  constructor(
    private readonly random: () => number,
    private readonly kind: RouterKind = 'version',
    private readonly data: 'no disks' | 'disks' = 'no disks',
  ) {
    const { 'slots.compareAndSet': _, ...without } = CAPABILITIES;
    this.world = new World(kind, kind === 'blind' ? without : CAPABILITIES);
    this.problems = watchWorld(this.world).problems;
  }

  async run(steps: number): Promise<Simulated> {
    const { services, volumes } = this.parts;
    for (const letter of LETTERS) await this.world.environment(letter, SLOTS, services, volumes);
    for (let step = 0; step < steps && this.problems.length === 0; step++) {
      await quiet();
      await this.step();
    }
    await this.comeToRest();
    await this.checkWhatWasTold();
    return { problems: this.problems, history: this.history, dealings: this.dealings };
  }

  private get parts(): { readonly services: object; readonly volumes: object } {
    return this.data === 'disks' ? ON_DISKS : { services: {}, volumes: {} };
  }

  private async step(): Promise<void> {
    const living = this.actors.filter((actor) => !actor.dead && !actor.ended);
    const free = this.pending.filter(({ actor }) => !actor.paused);
    const dice = this.random();
    if (living.length === 0 || (dice < 0.03 && living.length < MOST_AT_A_TIME)) this.start();
    else if (dice < 0.04) this.pause(this.pick(living));
    else if (dice < 0.06) this.wake(living);
    else if (dice < 0.063) this.jump();
    else if (dice < 0.066) this.outage = !this.outage && this.faults;
    else if (dice < 0.08 && this.late.length > 0) await this.late.splice(this.below(this.late.length), 1)[0]?.();
    else if (free.length > 0 && dice < 0.97) await this.let(this.pick(free));
    else if (!this.world.clock.tick()) this.wake(living);
  }

  private async let(one: Pending): Promise<void> {
    const isRoute = one.what.startsWith('route');
    const isPut = one.what === 'put';
    // Where it hurts most: between what was read or written down, and the write that goes by it.
    if (this.faults && (isRoute || isPut) && !one.hasSlept && this.random() < (isRoute ? 0.15 : 0.03)) {
      one.hasSlept = true;
      this.pause(one.actor);
      return;
    }
    this.pending.splice(this.pending.indexOf(one), 1);
    this.dealings++;
    const dice = this.faults ? this.random() : 1;
    const worse = isRoute ? 5 : isPut ? 2 : 1;
    const isWrite = isRoute || isPut || /ensure|destroy|scale/.test(one.what);
    if (this.faults && this.outage && (isRoute || one.what === 'read slot')) await this.outOfReach(one, isRoute);
    else if (dice < 0.004 * worse) this.kill(one.actor, `before ${one.what}`);
    else if (dice < 0.008 * worse) {
      await one.act();
      this.kill(one.actor, `after ${one.what}`);
    } else if (isWrite && dice < 0.014 * worse) {
      this.note(`${one.actor.name}: the answer to ${one.what} is lost`);
      await one.act();
    } else if (isWrite && dice < 0.022 * worse) {
      this.note(`${one.actor.name}: ${one.what} is late`);
      this.late.push(() => one.act());
      if (this.random() < 0.3) this.kill(one.actor, `while ${one.what} is under way`);
    } else {
      await one.act();
      one.answer();
      return;
    }
    one.lose();
  }

  /** The router does not answer. What was asked of it may come all the same, now or later. */
  private async outOfReach(one: Pending, isRoute: boolean): Promise<void> {
    const dice = this.random();
    if (isRoute && dice < 0.3) await one.act();
    else if (isRoute && dice < 0.6) this.late.push(() => one.act());
  }

  private start(): void {
    const letter = this.pick(LETTERS);
    const id = letter.repeat(12);
    const slot = this.random() < 0.7 ? 'master' : 'staging';
    const dice = this.random();
    if (dice < 0.45)
      this.begin(`promote ${letter} ${slot}`, (session, by) => promote(session, { slot, environment: id, by }));
    else if (dice < 0.57) this.begin(`rollback ${slot}`, (session, by) => rollback(session, { slot, by }));
    else if (dice < 0.64) this.begin(`destroy ${letter}`, (session) => destroyEnvironment(session, id));
    else if (dice < 0.69)
      this.begin(`destroy ${letter} from ${slot}`, (session) => destroyEnvironment(session, id, { force: slot }));
    else if (dice < 0.72) this.begin(`end ${slot}`, (session, by) => destroySlot(session, { slot, by }));
    else if (dice < 0.78) this.begin(`create ${letter}`, (session) => this.create(session, letter));
    else if (dice < 0.82)
      this.begin(`create ${letter} for staging`, async (session) => {
        const found = await session.documents.environments.get(id, testCall());
        if (found?.document.phase === 'ready') await makeAhead(session, found.document, 'staging', { wait: true });
      });
    else if (dice < 0.91) this.begin('gc', (session) => collectGarbage(session, { dryRun: false }));
    else this.begin('resume', (session) => this.resumeOne(session));
  }

  private begin(doing: string, work: (session: Session, by: string) => Promise<unknown>): void {
    const by = `p${String(++this.names)}`;
    const actor: Actor = { name: by, pid: this.names, doing, paused: false, dead: false, ended: false };
    const session = this.world.process(this.dealOf(actor));
    const pid = session.operations.identity.pid;
    this.actors.push(Object.assign(actor, { pid }));
    this.note(`${by}: ${doing}`);
    void work(session, by).then(
      () => this.end(actor, 'done'),
      (error: unknown) => this.end(actor, error),
    );
  }

  private end(actor: Actor, how: unknown): void {
    if (actor.dead) return;
    actor.ended = true;
    const code = how === 'done' ? 'done' : codeOf(how);
    this.note(
      `${actor.name}: ${code}${how === 'done' || !(how instanceof Error) ? '' : ` (${how.message.slice(0, 160)})`}`,
    );
    if (code === 'internal' || code === 'thrown' || code === 'drifted') {
      const text = how instanceof Error ? (how.stack ?? how.message) : String(how);
      this.problems.push(`${actor.name} (${actor.doing}): ${text}`);
    }
    if (!/promote|rollback/.test(actor.doing)) return;
    if (code === 'done') this.told.push({ by: actor.name, said: 'done' });
    if (code === 'unhealthy' || code === 'refused' || code === 'conflict')
      this.told.push({ by: actor.name, said: 'untouched' });
  }

  private dealOf(actor: Actor): Deal {
    return <T>(what: string, act: () => T) =>
      new Promise<T>((resolve, reject) => {
        if (actor.dead) return;
        let settle = (): void => {};
        let acted = false;
        const pending: Pending = {
          actor,
          what,
          hasSlept: false,
          async act() {
            if (acted) return;
            acted = true;
            try {
              const result = await act();
              settle = () => resolve(result);
            } catch (error) {
              settle = () => reject(error instanceof Error ? error : new Error(String(error)));
            }
          },
          answer: () => {
            if (!actor.dead) settle();
          },
          lose: () => {
            if (!actor.dead)
              reject(new ProviderError('unavailable', `the answer to ${what} was lost`, { effect: 'unknown' }));
          },
        };
        this.pending.push(pending);
        // What nothing compares is held to its writer's clock: how long it is under way is the risk that remains.
        if (what === 'route' && this.kind === 'blind') void pending.act();
      });
  }

  private kill(actor: Actor, where: string): void {
    this.note(`${actor.name}: killed ${where}`);
    actor.dead = true;
    if (this.random() < 0.5) this.world.liveness.set(actor.pid, 'dead');
    for (const one of this.pending.filter((each) => each.actor === actor))
      this.pending.splice(this.pending.indexOf(one), 1);
  }

  private pause(actor: Actor | undefined): void {
    if (!actor || !this.faults) return;
    actor.paused = true;
    this.note(`${actor.name}: sleeps`);
  }

  private wake(living: readonly Actor[]): void {
    for (const actor of living) {
      if (!actor.paused || this.random() < 0.5) continue;
      actor.paused = false;
      this.note(`${actor.name}: wakes`);
    }
  }

  private jump(): void {
    const seconds = (this.random() - 0.5) * 7200;
    this.note(`the date jumps by ${String(Math.round(seconds))} s`);
    this.world.clock.jump(seconds);
  }

  /** No more faults: whoever lives comes to an end, what is unfinished is finished, and gc goes over it. */
  private async comeToRest(): Promise<void> {
    this.faults = false;
    for (const late of this.late.splice(0)) await late();
    await this.settleAll();
    for (let round = 0; round < 3; round++) {
      this.begin('resume', (session) => this.resumeAll(session));
      await this.settleAll();
      this.begin('free the slots', (session) => this.freeSlots(session));
      await this.settleAll();
      this.begin('collect', async (session) => {
        await collectPins(session);
        for (const { run } of await slotLeftovers(session)) await run();
      });
      await this.settleAll();
      this.world.clock.jump(7200); // what is kept only for a while goes
    }
    if (this.data === 'disks') {
      // A call that came late may have stopped what nobody looks at any more.
      this.begin('repair', (session) => this.repairAll(session));
      await this.settleAll();
      this.problems.push(...(await checkDisksAtRest(this.world)));
    }
    this.problems.push(...(await checkAtRest(this.world)));
  }

  private async repairAll(session: Session): Promise<void> {
    for await (const { document } of session.documents.slots.list(testCall()))
      if (document.head !== undefined) await repair(session, document.name);
  }

  private async settleAll(): Promise<void> {
    for (let turn = 0; turn < 100_000; turn++) {
      await quiet();
      const living = this.actors.filter((actor) => !actor.dead && !actor.ended);
      for (const actor of living) actor.paused = false;
      if (living.length === 0) return;
      const [next] = this.pending;
      if (next) await this.let(next);
      else if (!this.world.clock.tick()) break;
    }
    this.problems.push(`${this.actors.find((actor) => !actor.dead && !actor.ended)?.doing ?? ''} does not end`);
  }

  private async resumeOne(session: Session): Promise<void> {
    for await (const { document } of session.documents.operations.list(testCall())) {
      if (hasEnded(document) || !/promote|rollback|destroy-slot/.test(document.kind)) continue;
      await session.carryOn(await resumeOperation(session.operations, document.id));
      return;
    }
  }

  private async resumeAll(session: Session): Promise<void> {
    for await (const { document } of session.documents.operations.list(testCall())) {
      if (hasEnded(document)) continue;
      try {
        await session.carryOn(await resumeOperation(session.operations, document.id));
      } catch (error) {
        if (!ProviderError.is(error) || error.code === 'internal') throw error;
        this.note(`resuming ${document.kind} ${document.subject}: ${error.code} ${error.message.slice(0, 200)}`);
      }
    }
  }

  /** Slots whose operation ended without letting them go, or was never written. */
  private async freeSlots(session: Session): Promise<void> {
    for await (const stored of session.documents.slots.list(testCall())) {
      if (!stored.document.owner) continue;
      const { finishUnfinished } = await import('../owned.ts');
      await finishUnfinished(session, stored).catch((error: unknown) => {
        if (!ProviderError.is(error) || error.code === 'internal') throw error;
        this.note(`freeing ${stored.id}: ${error.code} ${error.message.slice(0, 200)}`);
      });
    }
  }

  /** As `env create` does: its document, with the name of this life, before the cloud. */
  private async create(session: Session, letter: string): Promise<void> {
    const { environments } = session.documents;
    const found = await environments.get(letter.repeat(12), testCall());
    if (found && found.document.phase !== 'gone') return;
    const incarnation = (found?.document.incarnation ?? 0) + 1;
    const { services, volumes } = this.parts;
    const ready = this.world.documentFor(letter, SLOTS, services, incarnation, volumes);
    try {
      const claimed = await environments.put(
        ready.id,
        { ...ready, phase: 'creating' },
        found?.revision ?? null,
        testCall(),
      );
      const { driver, spec } = await this.environmentsOf(session, ready);
      await driver.ensure(spec, testCall());
      await environments.put(ready.id, ready, claimed.revision, testCall());
    } catch (error) {
      if (!ProviderError.is(error) || error.code === 'internal') throw error;
    }
  }

  private async environmentsOf(session: Session, document: ReturnType<World['documentFor']>) {
    const { environmentDriver } = await import('../gate.ts');
    if (!document.spec) throw new Error(`${resourceIdOf(document)} has no spec`);
    return { driver: await environmentDriver(session, document), spec: document.spec };
  }

  /** No command said done that was not, nor untouched that was not. */
  private async checkWhatWasTold(): Promise<void> {
    const made = new Set<string>();
    for await (const { document } of this.world.documents.releases.list(testCall()))
      if (document.kind !== 'revert') made.add(document.by);
    for (const { by, said } of this.told) {
      const actor = this.actors.find(({ name }) => name === by);
      if (said === 'untouched' && made.has(by))
        this.problems.push(`${by} (${actor?.doing ?? ''}) said that it did nothing`);
    }
  }

  private note(line: string): void {
    this.history.push(line);
  }
  private below(count: number): number {
    return Math.floor(this.random() * count);
  }
  private pick<T>(from: readonly [T, ...T[]] | readonly T[]): T {
    return from[this.below(from.length)] as T; // never of nothing
  }
}

/** What it comes down to: what can't be kept before a destroy is told as `internal`, whatever kept it from that. */
function codeOf(error: unknown): ProviderError['code'] | 'thrown' {
  if (!ProviderError.is(error)) return 'thrown';
  return error.code === 'internal' && ProviderError.is(error.cause) ? error.cause.code : error.code;
}

/** A generator of numbers in [0, 1) that a seed decides. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
