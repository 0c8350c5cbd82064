import { randomUUID } from 'node:crypto';
import { ProviderError, type Foundation, type FoundationDriver, type Host } from '@clusternator/core';
import { z } from 'zod';
import type { CloudClient } from '../memory/client.ts';
import { MemoryFoundations, PARTS } from '../memory/foundation.ts';
import { laidOver, wrong, type Mutant } from './mutant.ts';

type Right = FoundationDriver<unknown>;

/** Replaces methods of the right driver. */
function foundationWith(change: (right: Right, host: Host, client: CloudClient) => Partial<Right>) {
  return wrong({ drivers: { foundation: change } });
}
/** The right driver on a host that is wrong. */
function foundationOn(hostOf: (host: Host) => Partial<Host>) {
  return foundationWith((_right, host, client) => new MemoryFoundations(laidOver(host, hostOf(host)), client));
}
/** Takes whatever there is for its own. */
const adopts = (host: Host): Partial<Host> => ({
  identify: (tags) => host.identify(tags) ?? { type: 'foundation', id: 'main', fingerprint: 'theirs', tags: {} },
});
const nameOf = (host: Host, part: string): string => host.name(['grounds', part], { maxLength: 40 });

/** Removes these parts, as far as they are there. */
function removing(parts: readonly string[]) {
  return (_right: Right, host: Host, client: CloudClient): Partial<Right> => ({
    destroy: async (_ref, call) => {
      for (const part of parts) {
        const path = `grounds/${nameOf(host, part)}`;
        if (!(await client.find(path, z.unknown(), call))) return;
        await client.ask({ method: 'DELETE', path, schema: z.unknown() }, call);
      }
    },
    // Of what is left it knows nothing.
    read: async (ref, call) => {
      const first = `grounds/${nameOf(host, parts[0] ?? '')}`;
      return (await client.find(first, z.unknown(), call))
        ? { id: ref.id, phase: 'destroying', handle: {} }
        : undefined;
    },
  });
}

export const foundationMutants: readonly Mutant[] = [
  {
    id: 'plans-a-foundation-by-making-it',
    says: 'makes the foundation that it is to plan',
    caughtBy: ['foundation/a-plan-writes-nothing'],
    provider: foundationWith((right) => ({
      plan: async (spec, call) => {
        await right.ensure(spec, call);
        return { changes: [{ action: 'create', what: spec.id }] };
      },
    })),
  },
  {
    id: 'gives-out-what-it-does-not-take',
    says: 'gives out a date, which JSON makes a text of',
    caughtBy: ['foundation/what-it-gives-it-takes'],
    provider: foundationWith((right) => ({
      outputs: z.object({ since: z.date() }),
      ensure: async (spec, call) => ({ ...(await right.ensure(spec, call)), outputs: { since: new Date(0) } }),
    })),
  },
  {
    id: 'writes-a-foundation-again',
    says: 'tags a foundation again each time that it is asked for',
    caughtBy: ['foundation/no-change-no-write'],
    provider: foundationWith((right, host, client) => ({
      ensure: async (spec, call) => {
        const made = await right.ensure(spec, call);
        const path = `grounds/${nameOf(host, 'network')}`;
        await client.ask({ method: 'PATCH', path, body: { tags: spec.tags }, schema: z.unknown() }, call);
        return made;
      },
    })),
  },
  {
    id: 'destroys-a-foundation-once',
    says: 'fails to destroy a foundation that is gone',
    caughtBy: ['foundation/destroy-twice'],
    provider: foundationWith((right) => ({
      destroy: async (ref, call) => {
        if (!(await right.read(ref, call))) throw new ProviderError('not-found', `there is no ${ref.id}`);
        await right.destroy(ref, call);
      },
    })),
  },
  {
    id: 'names-a-foundation-by-driver',
    says: 'makes another foundation in each process',
    caughtBy: [
      'foundation/what-ten-at-once-make-is-removed',
      'foundation/cut-off-before-a-call-is-sent',
      'foundation/cut-off-after-a-call-is-applied',
      'foundation/cut-off-after-an-answer',
    ],
    provider: foundationOn((right) => {
      const mine = randomUUID();
      return { name: (words, rule) => right.name([...words, mine], rule) };
    }),
  },
  {
    id: 'removes-a-foundation-from-its-front',
    says: 'begins a removal with what it knows a foundation by',
    caughtBy: ['foundation/cut-off-in-a-removal'],
    provider: foundationWith(removing(PARTS)),
  },
  {
    id: 'remembers-a-foundation',
    says: 'takes a foundation that it has seen for one that is there',
    caughtBy: ['foundation/what-was-removed-behind-our-back-is-made-again'],
    provider: foundationWith((right) => {
      let seen: Foundation<unknown> | undefined;
      return {
        ensure: async (spec, call) => (seen ??= await right.ensure(spec, call)),
        read: async (ref, call) => seen ?? (await right.read(ref, call)),
        destroy: async (ref, call) => {
          seen = undefined;
          await right.destroy(ref, call);
        },
      };
    }),
  },
  {
    id: 'builds-on-foreign-ground',
    says: 'takes a foreign thing for a part of its foundation',
    caughtBy: ['foundation/a-foreign-thing-of-the-same-name'],
    provider: foundationOn(adopts),
  },
  {
    id: 'shares-a-foundation',
    says: 'gives all projects one foundation',
    caughtBy: ['foundation/two-projects-and-stages-never-see-each-other'],
    provider: foundationOn((right) => ({ ...adopts(right), name: (words) => words.join('-') })),
  },
  {
    id: 'leaves-the-network-behind',
    says: 'leaves a part of its foundation behind',
    caughtBy: ['foundation/nothing-is-left-of-it'],
    provider: foundationWith(removing(['gateway', 'firewall'])),
  },
];
