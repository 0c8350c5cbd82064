import { ProviderError, type Call } from '@clusternator/core';
import type { z } from 'zod';
import { CloudClient, errorOf, type Ask } from '../memory/client.ts';
import { wrong, type Mutant } from './mutant.ts';

const statusOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;

/** The error of the right provider with something else about it. */
function errorsAs(change: (error: ProviderError, cause: unknown) => ProviderError) {
  return (cause: unknown) => {
    const error = errorOf(cause);
    return error && change(error, cause);
  };
}
const harmless = (error: ProviderError) =>
  new ProviderError(error.code, error.message, { ...error.detail, effect: 'none' });

function absentOn(status: number) {
  return class extends CloudClient {
    override async find<T>(path: string, schema: z.ZodType<T>, call: Call): Promise<T | undefined> {
      try {
        return await super.find(path, schema, call);
      } catch (error) {
        if (statusOf(error) === status) return undefined;
        throw error;
      }
    }
  };
}
class TriesEverythingAgain extends CloudClient {
  override async ask<T>(asked: Ask<T>, call: Call): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await super.ask(asked, call);
      } catch (error) {
        if (tries === 3) throw error;
      }
    }
  }
}
class WaitsForTheFirstAlone extends CloudClient {
  override ask<T>(asked: Ask<T>, call: Call): Promise<T> {
    const first = super.ask(asked, call);
    if (asked.method !== 'GET') super.ask(asked, call).catch(() => undefined);
    return first;
  }
}
class MakesAnotherOnConflict extends CloudClient {
  override async ask<T>(asked: Ask<T>, call: Call): Promise<T> {
    try {
      return await super.ask(asked, call);
    } catch (error) {
      const isTaken = asked.ifNew && asked.path.startsWith('environments/') && statusOf(error) === 412;
      if (!isTaken) throw error;
      return super.ask({ ...asked, path: `${asked.path}-2` }, call);
    }
  }
}
class ReadsTombstones extends CloudClient {
  override async find<T>(path: string, schema: z.ZodType<T>, call: Call): Promise<T | undefined> {
    const found = await super.find(path, schema, call);
    const isGone = typeof found === 'object' && found !== null && 'state' in found && found.state === 'deleted';
    return isGone ? { ...found, state: 'deleting' } : found;
  }
}
class LosesTheSecondPage extends CloudClient {
  override async *list<T>(
    collection: string,
    filter: Readonly<Record<string, string>>,
    schema: z.ZodType<T>,
    call: Call,
  ): AsyncGenerator<T> {
    yield* await this.page(collection, filter, schema, call);
  }
  protected async page<T>(
    collection: string,
    filter: Readonly<Record<string, string>>,
    schema: z.ZodType<T>,
    call: Call,
  ): Promise<readonly T[]> {
    const { z } = await import('zod');
    const path = `${collection}?${new URLSearchParams(filter).toString()}`;
    return (await this.ask({ method: 'GET', path, schema: z.object({ items: z.array(schema) }) }, call)).items;
  }
}
class StopsAtAnEmptyPage extends CloudClient {
  override async *list<T>(
    collection: string,
    filter: Readonly<Record<string, string>>,
    schema: z.ZodType<T>,
    call: Call,
  ): AsyncGenerator<T> {
    const { z } = await import('zod');
    const page = z.object({ items: z.array(schema), next: z.union([z.string(), z.number()]).optional() });
    for (let after: string | undefined; ;) {
      const query = new URLSearchParams({ ...filter, ...(after !== undefined && { after }) });
      const { items, next } = await this.ask(
        { method: 'GET', path: `${collection}?${query.toString()}`, schema: page },
        call,
      );
      yield* items;
      if (items.length === 0 || next === undefined) return;
      after = String(next);
    }
  }
}
/** Takes the next three of what is there by then. */
class PagesByOffset extends CloudClient {
  override async *list<T>(
    collection: string,
    filter: Readonly<Record<string, string>>,
    schema: z.ZodType<T>,
    call: Call,
  ): AsyncGenerator<T> {
    for (let from = 0; ; from += 3) {
      const now = await Array.fromAsync(super.list(collection, filter, schema, call));
      yield* now.slice(from, from + 3);
      if (from + 3 >= now.length) return;
    }
  }
}
const NEVER = new AbortController().signal;
class NeverListens extends CloudClient {
  override ask<T>(asked: Ask<T>, call: Call): Promise<T> {
    return super.ask(asked, { ...call, signal: NEVER, token: (use) => call.token(use) });
  }
}
class CallsAnAbortHarmless extends CloudClient {
  override async ask<T>(asked: Ask<T>, call: Call): Promise<T> {
    try {
      return await super.ask(asked, call);
    } catch (error) {
      if (call.signal.aborted) throw new ProviderError('cancelled', 'it was interrupted', { effect: 'none' });
      throw error;
    }
  }
}

export const wireMutants: readonly Mutant[] = [
  {
    id: 'tries-again-at-once',
    says: 'does not look at Retry-After',
    caughtBy: [
      'transport/throttling-waits-as-long-as-it-is-told-to',
      'foundation/throttling-waits-as-long-as-it-is-told-to',
    ],
    provider: wrong({
      provider: {
        errorOf: errorsAs((error) =>
          error.code === 'throttled' ? new ProviderError('throttled', error.message) : error,
        ),
      },
    }),
  },
  {
    id: 'calls-a-failure-harmless',
    says: 'says of a 5xx that nothing was done',
    caughtBy: [
      'transport/a-failure-of-the-server-may-have-been-carried-out',
      'foundation/a-failure-of-the-server-may-have-been-carried-out',
    ],
    provider: wrong({
      provider: { errorOf: errorsAs((error, cause) => (statusOf(cause) === 500 ? harmless(error) : error)) },
    }),
  },
  {
    id: 'calls-a-reset-harmless',
    says: 'says of a connection that broke off that nothing was done',
    caughtBy: [
      'transport/a-reset-after-the-commit-is-found-out',
      'foundation/a-reset-after-the-commit-is-found-out',
      'state/a-lost-put-is-found-by-reading-again',
    ],
    provider: wrong({
      provider: { errorOf: errorsAs((error, cause) => (statusOf(cause) === undefined ? harmless(error) : error)) },
    }),
  },
  {
    id: 'takes-rubbish-for-absence',
    says: 'takes any 404 for an absence, also that of a page of HTML',
    caughtBy: ['transport/an-unreadable-answer-is-not-absence', 'foundation/an-unreadable-answer-is-not-absence'],
    provider: wrong({ client: absentOn(404) }),
  },
  {
    id: 'swallows-a-403',
    says: 'takes a refusal for an absence',
    caughtBy: ['transport/a-refusal-is-not-absence', 'foundation/a-refusal-is-not-absence'],
    provider: wrong({ client: absentOn(403) }),
  },
  {
    id: 'waits-for-the-first-alone',
    says: 'makes requests side by side, and fails with the first that does',
    caughtBy: ['transport/a-failed-work-has-nothing-under-way', 'slot/a-failed-flip-has-nothing-under-way'],
    provider: wrong({ client: WaitsForTheFirstAlone }),
  },
  {
    id: 'hides-expired-credentials',
    says: 'says that the cloud is not available when it does not know us any more',
    caughtBy: ['transport/credentials-that-expire-midway'],
    provider: wrong({
      provider: {
        errorOf: errorsAs((error) =>
          error.code === 'unauthenticated' ? new ProviderError('unavailable', error.message) : error,
        ),
      },
    }),
  },
  {
    id: 'tries-everything-again',
    says: 'makes every request three times, also what a quota forbids',
    caughtBy: ['transport/a-quota-is-not-tried-again', 'foundation/a-quota-is-not-tried-again'],
    provider: wrong({ client: TriesEverythingAgain }),
  },
  {
    id: 'makes-another-on-conflict',
    says: 'takes another name when the one that it wanted is taken',
    caughtBy: ['consistency/a-stale-read-makes-no-duplicate'],
    provider: wrong({ client: MakesAnotherOnConflict }),
  },
  {
    id: 'mends-what-a-list-shows',
    says: 'writes what it finds in a list again',
    caughtBy: ['consistency/a-stale-list-resurrects-nothing'],
    provider: wrong({
      drivers: {
        environments: (right, _host, client) => ({
          async *list(call) {
            for await (const one of right.list(call)) {
              const path = `environments/${one.handle.name ?? ''}`;
              const body = { tags: one.tags, spec: { hosts: [], services: [], sites: {} } };
              const { z } = await import('zod');
              await client.ask({ method: 'PUT', path, body, ifNew: true, schema: z.unknown() }, call).catch(() => {});
              yield one;
            }
          },
        }),
      },
    }),
  },
  {
    id: 'gives-up-on-what-is-not-visible-yet',
    says: 'takes what is not visible yet for a mistake of the config',
    caughtBy: ['consistency/a-dependency-that-is-not-visible-yet-is-waited-for'],
    provider: wrong({
      provider: {
        errorOf: errorsAs((error) =>
          error.message.includes('NotVisible') ? new ProviderError('invalid', error.message) : error,
        ),
      },
    }),
  },
  {
    id: 'reads-tombstones',
    says: 'takes a name that the cloud keeps for a thing',
    caughtBy: ['consistency/what-is-gone-reads-as-absent'],
    provider: wrong({ client: ReadsTombstones }),
  },
  {
    id: 'loses-the-second-page',
    says: 'lists the first page alone',
    caughtBy: ['pagination/more-than-three-pages', 'dns/a-thousand-records-page-through'],
    provider: wrong({ client: LosesTheSecondPage }),
  },
  {
    id: 'stops-at-an-empty-page',
    says: 'takes an empty page for the last one',
    caughtBy: ['pagination/an-empty-page-in-the-middle'],
    provider: wrong({ client: StopsAtAnEmptyPage }),
  },
  {
    id: 'pages-by-offset',
    says: 'counts how many it has seen to find where to go on',
    caughtBy: ['pagination/changes-between-the-pages'],
    provider: wrong({ client: PagesByOffset }),
  },
  {
    id: 'never-listens',
    says: 'does not look at the signal of a call',
    caughtBy: ['concurrency/an-abort-before-sending-sends-nothing', 'concurrency/the-deadline-holds'],
    provider: wrong({ client: NeverListens }),
  },
  {
    id: 'calls-an-abort-harmless',
    says: 'says after any abort that nothing was done',
    caughtBy: ['concurrency/an-abort-in-flight-tells-the-truth'],
    provider: wrong({ client: CallsAnAbortHarmless }),
  },
  {
    id: 'waits-through-an-abort',
    says: 'waits by a timer of its own',
    caughtBy: ['concurrency/an-abort-ends-a-wait-at-once'],
    provider: wrong({
      host: () => ({
        sleep: () =>
          new Promise((resolve) => {
            setTimeout(resolve, 60_000).unref();
          }),
      }),
    }),
  },
];
