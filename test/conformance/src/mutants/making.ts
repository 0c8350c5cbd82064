import { randomUUID } from 'node:crypto';
import { ProviderError } from '@clusternator/core';
import { z } from 'zod';
import { CloudClient, type Ask } from '../memory/client.ts';
import type { Call } from '@clusternator/core';
import { wrong, type Mutant } from './mutant.ts';

const PROCESS = randomUUID().slice(0, 8);
const anything = z.unknown();
const withTags = z.looseObject({ tags: z.record(z.string(), z.string()) });

/** Tags what it made in a second call. */
class TagsAfterwards extends CloudClient {
  override async ask<T>(asked: Ask<T>, call: Call): Promise<T> {
    if (!asked.ifNew || !asked.path.startsWith('environments/') || asked.path.includes('/services/'))
      return super.ask(asked, call);
    const body = asked.body as { readonly tags: unknown }; // as the driver sends it
    await super.ask({ ...asked, body: { ...body, tags: {} }, schema: anything }, call);
    return super.ask({ ...asked, method: 'PATCH', ifNew: false, body: { tags: body.tags } }, call);
  }
}
/** Marks what it is about to remove, and takes the mark for the deed. */
class ForgetsHalfRemovals extends CloudClient {
  override async ask<T>(asked: Ask<T>, call: Call): Promise<T> {
    if (asked.method !== 'DELETE' || !asked.path.startsWith('environments/')) return super.ask(asked, call);
    const there = await this.find(asked.path, withTags, call);
    if (there?.tags.removing) return asked.schema.parse({});
    await super.ask({ method: 'PATCH', path: asked.path, body: { tags: { removing: 'yes' } }, schema: anything }, call);
    return super.ask(asked, call);
  }
}

export const makingMutants: readonly Mutant[] = [
  {
    id: 'names-at-random',
    says: 'makes another one each time that it is called',
    caughtBy: ['idempotency/ten-times-the-same-token-is-one-thing', 'concurrency/ten-at-once-make-one-thing'],
    provider: wrong({ host: (right) => ({ name: (words, rule) => right.name([...words, randomUUID()], rule) }) }),
  },
  {
    id: 'names-by-process',
    says: 'makes another one in each process',
    caughtBy: [
      'crash/killed-before-a-call-is-sent',
      'crash/killed-after-it-is-applied-and-before-the-answer',
      'crash/killed-after-the-answer-and-before-the-journal',
    ],
    // What it stands on it finds.
    provider: wrong({
      host: (right) => ({
        name: (words, rule) => right.name(words[0] === 'grounds' ? words : [...words, PROCESS], rule),
      }),
    }),
  },
  {
    id: 'names-by-token',
    says: 'finds what it made by the token that it was made under',
    caughtBy: ['idempotency/an-expired-token-finds-what-is-there'],
    provider: (() => {
      let token = '';
      return wrong({
        host: (right) => ({ name: (words, rule) => right.name([...words, token], rule) }),
        drivers: {
          environments: (right) => ({
            ensure: (spec, call) => {
              token = call.token();
              return right.ensure(spec, call);
            },
          }),
        },
      });
    })(),
  },
  {
    id: 'replaces-what-differs',
    says: 'makes an environment anew when it is asked for with another spec',
    caughtBy: ['idempotency/another-spec-under-the-same-id-changes-nothing'],
    provider: wrong({
      drivers: {
        environments: (right) => ({
          ensure: async (spec, call) => {
            const there = await right.read(spec, call);
            if (there === undefined || there.fingerprint === spec.fingerprint) return right.ensure(spec, call);
            await right.destroy(spec, call);
            while (await right.read(spec, call)) await new Promise((resolve) => setTimeout(resolve, 10));
            return right.ensure(spec, call);
          },
        }),
      },
    }),
  },
  {
    id: 'restarts-on-no-change',
    says: 'starts services again that are as asked',
    caughtBy: ['idempotency/no-change-no-write-no-restart'],
    provider: wrong({
      drivers: {
        environments: (right) => ({
          ensure: async (spec, call) => {
            const made = await right.ensure(spec, call);
            if (made.phase !== 'active') return made;
            for (const count of [0, 1]) await right.scale?.(made, { web: { min: count, max: count } }, call);
            while ((await right.read(spec, call))?.phase !== 'active')
              await new Promise((resolve) => setTimeout(resolve, 10));
            return made;
          },
        }),
      },
    }),
  },
  {
    id: 'destroys-once',
    says: 'fails to destroy what is gone',
    caughtBy: ['idempotency/destroy-twice'],
    provider: wrong({
      drivers: {
        environments: (right) => ({
          destroy: async (ref, call) => {
            if (!(await right.read(ref, call))) throw new ProviderError('not-found', `there is no ${ref.id}`);
            await right.destroy(ref, call);
          },
        }),
      },
    }),
  },
  {
    id: 'keeps-what-is-being-made',
    says: 'refuses to destroy what is not active yet',
    caughtBy: ['idempotency/destroy-during-create'],
    provider: wrong({
      drivers: {
        environments: (right) => ({
          destroy: async (ref, call) => {
            const there = await right.read(ref, call);
            if (there?.phase === 'creating') throw new ProviderError('conflict', `${ref.id} is being made`);
            await right.destroy(ref, call);
          },
        }),
      },
    }),
  },
  {
    id: 'tags-afterwards',
    says: 'tags what it made in a second call',
    caughtBy: ['crash/what-a-killed-one-left-is-ours'],
    provider: wrong({ client: TagsAfterwards }),
  },
  {
    id: 'remembers-what-it-waits-for',
    says: 'waits only for what this very process began',
    caughtBy: ['crash/killed-in-the-middle-of-a-wait'],
    provider: wrong({
      drivers: {
        environments: (right) => {
          const begun = new Set<string>();
          return {
            ensure: async (spec, call) => {
              const there = await right.read(spec, call);
              if (there?.phase === 'creating' && !begun.has(spec.id))
                throw new ProviderError('internal', `nobody waits for ${spec.id}`);
              begun.add(spec.id);
              return right.ensure(spec, call);
            },
          };
        },
      },
    }),
  },
  {
    id: 'forgets-half-removals',
    says: 'takes the mark of a removal for the removal',
    caughtBy: ['crash/killed-in-a-removal'],
    provider: wrong({ client: ForgetsHalfRemovals }),
  },
];
