import type { Call, Route, Slot, SlotDriver } from '@clusternator/core';
import { z } from 'zod';
import { CloudClient, type Ask } from '../memory/client.ts';
import { laidOver, wrong, type Mutant } from './mutant.ts';

/** Takes a flip for live as soon as it was taken. */
class ReturnsBeforeDone extends CloudClient {
  override async ask<T>(asked: Ask<T>, call: Call): Promise<T> {
    const answer = await super.ask(asked, call);
    return typeof answer === 'object' && answer !== null && 'isLive' in answer ? { ...answer, isLive: true } : answer;
  }
}

type RouteArguments = Parameters<SlotDriver['route']>;
/** Does something else with a routing. */
function routing(act: (right: SlotDriver, ...args: RouteArguments) => Promise<Slot>) {
  return wrong({ drivers: { slots: (right) => ({ route: (...args) => act(right, ...args) }) } });
}
const fresh = async (right: SlotDriver, slot: Slot, call: Call): Promise<Slot> =>
  (await right.read(slot, call)) ?? slot;

export const slotMutants: readonly Mutant[] = [
  {
    id: 'routes-without-a-condition',
    says: 'routes whatever is there by now',
    caughtBy: [
      'concurrency/of-two-routings-from-one-reading-one-fails',
      'concurrency/a-superseded-owner-cant-route',
      'slot/drift-is-seen-and-not-overwritten',
    ],
    provider: routing(async (right, slot, routes, stamp, call) => {
      for (;;) {
        try {
          return await right.route(await fresh(right, slot, call), routes, stamp, call);
        } catch (error) {
          if (!(await right.read(slot, call))) throw error;
        }
      }
    }),
  },
  {
    id: 'remembers-an-old-version',
    says: 'goes by the version that it read first, for ever',
    caughtBy: ['concurrency/a-neighbours-change-is-no-lost-race'],
    provider: wrong({
      drivers: {
        slots: (right) => {
          const known = new Map<string, Slot>();
          return {
            read: async (ref, call) => {
              const now = await right.read(ref, call);
              return now && laidOver(now, { handle: (known.get(ref.id) ?? now).handle });
            },
            ensure: async (spec, call) => {
              const made = await right.ensure(spec, call);
              known.set(spec.id, known.get(spec.id) ?? made);
              return made;
            },
          };
        },
      },
    }),
  },
  {
    id: 'returns-before-done',
    says: 'returns from a flip before new requests follow it',
    caughtBy: ['slot/a-flip-loses-and-mixes-nothing'],
    provider: wrong({ client: ReturnsBeforeDone }),
  },
  {
    id: 'moves-parts-one-by-one',
    says: 'moves the parts of a slot one after the other, and says that it is one step',
    caughtBy: ['slot/all-parts-move-in-one-step'],
    provider: wrong({}),
    cloud: { partLagMs: 400 },
  },
  {
    id: 'destroys-what-serves',
    says: 'takes an environment out of its slots to destroy it',
    caughtBy: ['slot/what-has-traffic-cant-be-destroyed'],
    provider: wrong({
      drivers: {
        environments: (right, host, client) => ({
          destroy: async (ref, call) => {
            const filter = { tag: `clusternator_project=${host.project}` };
            const slots = client.list('slots', filter, z.object({ name: z.string(), version: z.number() }), call);
            for await (const { name, version } of slots) {
              const request = { method: 'PUT', path: `slots/${name}/routes`, schema: z.unknown() } as const;
              await client.ask({ ...request, body: { routes: [], stamp: '' }, ifMatch: String(version) }, call);
            }
            await right.destroy(ref, call);
          },
        }),
      },
    }),
  },
  {
    id: 'destroys-what-a-slot-led-to',
    says: 'destroys the environments of a slot with it',
    caughtBy: ['slot/ends-with-its-routes'],
    provider: wrong({
      drivers: {
        slots: (right, _host, client) => ({
          destroy: async (ref, call) => {
            const { routes = [] } = (await right.read(ref, call)) ?? {};
            await right.destroy(ref, call);
            for (const { handle } of routes)
              await client.ask(
                { method: 'DELETE', path: `environments/${handle.name ?? ''}`, schema: z.unknown() },
                call,
              );
          },
        }),
      },
    }),
  },
  {
    id: 'destroys-whatever-is-there',
    says: 'destroys a slot of that name, whether or not it is the one that was read',
    caughtBy: ['slot/an-older-end-spares-what-was-made-anew'],
    provider: wrong({
      drivers: { slots: (right) => ({ destroy: ({ id }, call) => right.destroy({ id }, call) }) },
    }),
  },
  {
    id: 'ignores-weights',
    says: 'sends all traffic to the first, and reports what was asked for',
    caughtBy: ['slot/weights-are-seen-in-the-traffic'],
    provider: routing(async (right, slot, routes, stamp, call) => {
      const all = routes.map((route, at): Route => ({ ...route, percent: at === 0 ? 100 : 0 }));
      return laidOver(await right.route(slot, all, stamp, call), { routes });
    }),
  },
  {
    id: 'flips-every-slot',
    says: 'routes all slots of the project alike',
    caughtBy: ['slot/other-slots-are-untouched'],
    provider: routing(async (right, slot, routes, stamp, call) => {
      for await (const other of right.list(call))
        if (other.id !== slot.id) await right.route(other, routes, stamp, call);
      return right.route(slot, routes, stamp, call);
    }),
  },
  {
    id: 'stops-the-old-head-at-once',
    says: 'stops an environment as soon as a slot has left it',
    caughtBy: ['slot/long-requests-finish-on-the-old-head'],
    provider: wrong({
      drivers: {
        slots: (right, _host, client) => ({
          route: async (slot, routes, stamp, call) => {
            const done = await right.route(slot, routes, stamp, call);
            for (const { handle } of slot.routes) {
              const path = `environments/${handle.name ?? ''}/services/web`;
              await client.ask({ method: 'PATCH', path, body: { instances: 0 }, schema: z.unknown() }, call);
            }
            return done;
          },
        }),
      },
    }),
  },
  {
    id: 'drops-standbys',
    says: 'keeps no standbys, and reports them',
    caughtBy: ['slot/standbys-answer-under-their-own-hosts'],
    provider: routing(async (right, slot, routes, stamp, call) => {
      const heads = routes.filter(({ percent }) => percent > 0);
      return laidOver(await right.route(slot, heads, stamp, call), { routes });
    }),
  },
  {
    id: 'answers-under-one-host',
    says: 'says that it takes any host name, and answers under the first alone',
    caughtBy: ['slot/hosts-of-ones-own-are-answered', 'contract/every-yes-is-exercised'],
    provider: wrong({
      drivers: {
        slots: (right) => ({ ensure: (spec, call) => right.ensure({ ...spec, hosts: spec.hosts.slice(0, 1) }, call) }),
      },
    }),
  },
];
