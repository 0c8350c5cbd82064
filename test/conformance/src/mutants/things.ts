import { readTag, type Call, type Environment, type EnvironmentSpec, type Health, type Slot } from '@clusternator/core';
import { z } from 'zod';
import { CloudClient, type Ask } from '../memory/client.ts';
import { laidOver, wrong, type Mutant } from './mutant.ts';

/** Lists without its filter, and so everybody's. */
class ListsEverything extends CloudClient {
  override list<T>(
    collection: string,
    _filter: Readonly<Record<string, string>>,
    schema: z.ZodType<T>,
    call: Call,
  ): AsyncGenerator<T> {
    return super.list(collection, {}, schema, call);
  }
}
class ForgetsOthersTags extends CloudClient {
  override ask<T>(asked: Ask<T>, call: Call): Promise<T> {
    const body = asked.body as { readonly tags?: Readonly<Record<string, string>> } | undefined; // as the drivers send it
    if (asked.method !== 'PUT' || asked.ifMatch === undefined || !body?.tags) return super.ask(asked, call);
    const own = Object.entries(body.tags).filter(([key]) => key.startsWith('clusternator_'));
    return super.ask({ ...asked, body: { ...body, tags: Object.fromEntries(own) } }, call);
  }
}
class KeepsFrontPages extends CloudClient {
  override ask<T>(asked: Ask<T>, call: Call): Promise<T> {
    if (asked.method !== 'PUT' || !asked.path.startsWith('bundles/')) return super.ask(asked, call);
    const { files } = asked.body as { readonly files: Readonly<Record<string, string>> }; // as the driver sends it
    const front = Object.entries(files).filter(([name]) => name === 'index.html');
    return super.ask({ ...asked, body: { files: Object.fromEntries(front) } }, call);
  }
}
/** Changes what an environment is asked to be. */
function asksFor(change: (spec: EnvironmentSpec) => EnvironmentSpec) {
  return wrong({
    drivers: { environments: (right) => ({ ensure: (spec, call) => right.ensure(change(spec), call) }) },
  });
}
/** Changes what is told of an environment. */
function tells(change: (environment: Environment) => Environment) {
  return wrong({
    drivers: { environments: (right) => ({ ensure: async (spec, call) => change(await right.ensure(spec, call)) }) },
  });
}
function healthAs(change: (health: Health) => Health) {
  return wrong({
    drivers: { environments: (right) => ({ health: async (it, call) => change(await right.health(it, call)) }) },
  });
}
const mapped = <T>(record: Readonly<Record<string, T>>, change: (value: T) => T): Record<string, T> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));

export const thingMutants: readonly Mutant[] = [
  {
    id: 'invents-health',
    says: 'calls an environment that never was unhealthy',
    caughtBy: ['identity/what-never-existed'],
    provider: wrong({
      drivers: {
        environments: (right) => ({
          health: (it, call) =>
            right.health(it, call).catch((): Health => ({ healthy: false, parts: {}, observedAt: new Date() })),
        }),
      },
    }),
  },
  {
    id: 'routes-into-nothing',
    says: 'says that it routed a slot that is not there',
    caughtBy: ['identity/a-slot-that-never-was-has-no-routes'],
    provider: wrong({
      drivers: {
        slots: (right) => ({
          route: async (slot, routes, stamp, call) => {
            const there = await right.read(slot, call);
            return there ? right.route(slot, routes, stamp, call) : { ...slot, routes, stamp };
          },
        }),
      },
    }),
  },
  {
    id: 'believes-its-own-memory',
    says: 'reads what it remembers of a slot',
    caughtBy: ['identity/what-was-removed-behind-our-back'],
    provider: wrong({
      drivers: {
        slots: (right) => {
          const known = new Map<string, Slot>();
          return {
            ensure: async (spec, call) => {
              const made = known.get(spec.id) ?? (await right.ensure(spec, call));
              known.set(spec.id, made);
              return made;
            },
            read: async (ref, call) => known.get(ref.id) ?? right.read(ref, call),
          };
        },
      },
    }),
  },
  {
    id: 'takes-what-is-foreign',
    says: 'takes anything of the right name for its own',
    caughtBy: ['identity/a-foreign-thing-of-the-same-name'],
    provider: wrong({
      host: (right) => ({
        identify: (tags) =>
          right.identify(tags) ?? (tags ? { type: 'environment', id: 'a1', fingerprint: '', tags: {} } : undefined),
      }),
    }),
  },
  {
    id: 'shortens-tags',
    says: 'keeps the first 60 characters of a tag',
    caughtBy: ['identity/tags-come-back-as-they-were-put'],
    provider: wrong({
      drivers: {
        slots: (right) => ({
          ensure: (spec, call) =>
            right.ensure({ ...spec, tags: mapped(spec.tags, (value) => value.slice(0, 60)) }, call),
        }),
      },
    }),
  },
  {
    id: 'forgets-others-tags',
    says: 'writes its own tags over all that are there',
    caughtBy: ['identity/what-others-added-survives'],
    provider: wrong({ client: ForgetsOthersTags }),
  },
  {
    id: 'cuts-names-off',
    says: 'cuts long names off',
    caughtBy: ['identity/long-names-never-collide'],
    provider: wrong({
      host: ({ project }) => ({ name: (words) => `${project.slice(-4)}-${words.join('-')}`.slice(0, 34) }),
    }),
  },
  {
    id: 'sees-all-projects',
    says: 'lists what other projects have in the account',
    caughtBy: ['identity/two-projects-never-see-each-other'],
    provider: wrong({
      client: ListsEverything,
      host: (right) => ({
        identify(tags) {
          const id = tags ? readTag(tags, 'id') : undefined;
          if (!tags || id === undefined) return right.identify(tags);
          return { type: 'environment', id, fingerprint: readTag(tags, 'fingerprint') ?? '', tags: {} };
        },
      }),
    }),
  },
  {
    id: 'deploys-what-came-first',
    says: 'runs the first source tree that it ever got',
    caughtBy: ['environment/what-is-served-is-the-commit'],
    provider: (() => {
      let first: EnvironmentSpec['services'][string]['artefact'] | undefined;
      return asksFor((spec) => ({
        ...spec,
        services: mapped(spec.services, (it) => ({ ...it, artefact: (first ??= it.artefact) })),
      }));
    })(),
  },
  {
    id: 'serves-the-wrong-folder',
    says: "serves a site from a service's source tree",
    caughtBy: ['environment/a-site-is-served-from-its-files'],
    provider: asksFor((spec) => {
      const tree = Object.values(spec.services).find(({ artefact }) => artefact.kind === 'files')?.artefact;
      return { ...spec, sites: mapped(spec.sites, (it) => (tree?.kind === 'files' ? { ...it, artefact: tree } : it)) };
    }),
  },
  {
    id: 'serves-front-pages-alone',
    says: 'keeps the front page of a site alone',
    caughtBy: ['environment/every-file-of-a-site-is-served'],
    provider: wrong({ client: KeepsFrontPages }),
  },
  {
    id: 'tells-another-digest',
    says: 'tells a digest of its own',
    caughtBy: ['environment/the-digest-is-the-artefacts'],
    provider: tells((it) => ({
      ...it,
      parts: mapped(it.parts, (part) => ({ ...part, digest: 'sha-of-something-else' })),
    })),
  },
  {
    id: 'ignores-needs',
    says: 'starts a service before what it needs',
    caughtBy: ['environment/what-a-service-is-given'],
    provider: asksFor((spec) => ({
      ...spec,
      services: mapped(spec.services, (it) => ({
        ...it,
        needs: {},
        env: { ...it.env, ...mapped(it.needs, () => '127.0.0.1') },
      })),
    })),
  },
  {
    id: 'loses-the-last-words',
    says: 'does not tell why a service failed',
    caughtBy: ['environment/a-service-that-never-starts-fails-with-its-last-words'],
    provider: tells((it) => ({ ...it, parts: mapped(it.parts, ({ phase }) => ({ phase, message: 'failed' })) })),
  },
  {
    id: 'calls-everything-healthy',
    says: 'takes what it once started for healthy',
    caughtBy: ['environment/a-service-that-crashes-later-turns-unhealthy', 'slot/no-target-is-unhealthy'],
    provider: healthAs((it) => ({
      ...it,
      healthy: true,
      parts: mapped(it.parts, (part) => ({ ...part, healthy: true })),
    })),
  },
  {
    id: 'logs-from-the-start',
    says: 'begins logs from the start, whatever the cursor',
    caughtBy: ['environment/logs-follow-resume-and-end'],
    provider: wrong({
      drivers: {
        environments: (right) => ({ logs: (it, { after: _, ...query }, call) => right.logs(it, query, call) }),
      },
    }),
  },
  {
    id: 'scales-everything',
    says: 'scales all services when one was meant',
    caughtBy: ['environment/scale-to-none-and-back'],
    provider: wrong({
      drivers: {
        environments: (right) => ({
          scale: async (it, instances, call) => {
            const [count = { min: 1, max: 1 }] = Object.values(instances);
            await right.scale?.(
              it,
              mapped(mapped(it.parts, () => ({ phase: 'active' })) as never, () => count),
              call,
            ); // wrong on purpose
          },
        }),
      },
    }),
  },
  {
    id: 'never-tells-stopped',
    says: 'tells of a service that is scaled to none as if it ran',
    caughtBy: ['environment/scale-to-none-and-back'],
    provider: wrong({
      drivers: {
        environments: (right) => ({
          read: async (ref, call) => {
            const found = await right.read(ref, call);
            return found && { ...found, parts: mapped(found.parts, (part) => ({ ...part, phase: 'active' })) };
          },
        }),
      },
    }),
  },
  {
    id: 'starts-one-instance',
    says: 'starts one instance, however many were asked for',
    caughtBy: ['environment/several-instances-answer'],
    provider: asksFor((spec) => ({
      ...spec,
      services: mapped(spec.services, (it) => ({ ...it, instances: { min: 1, max: 1 } })),
    })),
  },
  {
    id: 'sees-no-traffic',
    says: 'never tells when a request was seen',
    caughtBy: ['environment/health-tells-of-traffic'],
    provider: healthAs(({ lastRequestAt: _, ...it }) => it),
  },
  {
    id: 'forgets-what-it-knew-of-tags',
    says: 'lists things without the tags that they carry',
    caughtBy: ['state/what-was-can-be-rebuilt-from-tags'],
    provider: wrong({
      drivers: {
        slots: (right) => ({
          async *list(call) {
            for await (const slot of right.list(call)) yield laidOver(slot, { tags: {} });
          },
        }),
      },
    }),
  },
  {
    id: 'leaves-things-behind',
    says: 'makes a helper beside each slot, and never removes it',
    caughtBy: ['hygiene/nothing-is-left'],
    provider: wrong({
      drivers: {
        slots: (right, host, client) => ({
          ensure: async (spec, call) => {
            const tags = { clusternator_project: host.project };
            const body = { tags, spec: { kind: 'files', sizeGiB: 1 } };
            const path = `volumes/${host.name(['helper', spec.id], { maxLength: 40 })}`;
            await client.ask({ method: 'PUT', path, body, ifNew: true, schema: z.unknown() }, call).catch(() => {});
            return right.ensure(spec, call);
          },
        }),
      },
    }),
  },
  {
    id: 'writes-more-than-it-says',
    says: 'writes a slot twice',
    caughtBy: ['hygiene/the-calls-of-each-verb-stay-within-their-floor'],
    provider: wrong({
      drivers: {
        slots: (right, _host, client) => ({
          ensure: async (spec, call) => {
            const made = await right.ensure(spec, call);
            await client.ask(
              { method: 'PATCH', path: `slots/${made.handle.name ?? ''}`, body: { tags: {} }, schema: z.unknown() },
              call,
            );
            return (await right.read(spec, call)) ?? made;
          },
        }),
      },
    }),
  },
  {
    id: 'asks-for-more-than-it-uses',
    says: 'asks for a permission that it never uses',
    caughtBy: ['hygiene/the-permissions-are-those-that-are-used'],
    provider: wrong({
      provider: { permissions: () => [{ action: 'everything:write', resource: '*', verbs: ['env create'] }] },
    }),
  },
];
