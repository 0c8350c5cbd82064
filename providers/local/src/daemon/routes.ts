import { z } from 'zod';
import { environmentBodySchema, execBodySchema, scaleBodySchema, word } from '../control/protocol.ts';
import type { DaemonStatus } from '../control/views.ts';
import { recordChangeSchema, recordFilterSchema } from '../dns/record-set.ts';
import { dnsHandlers } from '../dns/provider.ts';
import type { ZoneStore } from '../dns/zones.ts';
import type { ControlAnswer, ControlRequest, ControlRoute } from './control-server.ts';
import type { Environments } from './environments.ts';
import { slotRoutes } from './slot-routes.ts';
import type { Slots } from './slots.ts';
import type { Storage } from './storage/storage.ts';
import { storageRoutes } from './storage/routes.ts';

export interface RoutesOptions {
  readonly environments: Environments;
  readonly slots: Slots;
  readonly storage: Storage;
  readonly zones: ZoneStore;
  readonly status: () => DaemonStatus;
  readonly onStop: () => void;
}

const ENVIRONMENTS = '/v1/projects/:project/stages/:stage/environments';

const scopeSchema = z.object({ project: word, stage: word });
const namedSchema = scopeSchema.extend({ id: word });
const waitSchema = z.object({
  revision: z.coerce.number().int().default(-1),
  waitSeconds: z.coerce.number().min(0).max(60).default(0),
});
const logsSchema = z.object({
  services: z.string().optional(),
  since: z.iso.datetime().optional(),
  after: z
    .string()
    .regex(/^\d{1,17}$/, 'not a cursor')
    .optional(),
  follow: z.enum(['true', 'false']).default('false'),
});

/** All that the daemon does for its clients. `GET /v1/status` and `POST /v1/stop` stay as they are in every version. */
export function routes(options: RoutesOptions): readonly ControlRoute[] {
  return [
    ...ownRoutes(options),
    ...environmentRoutes(options),
    ...slotRoutes(options.slots),
    ...storageRoutes(options.storage),
    ...dnsRoutes(options),
  ];
}

function ownRoutes({ status, onStop }: RoutesOptions): readonly ControlRoute[] {
  return [
    { method: 'GET', path: '/v1/status', handle: () => ({ value: status() }) },
    {
      method: 'POST',
      path: '/v1/stop',
      handle: () => {
        setImmediate(onStop);
        return { value: {} };
      },
    },
  ];
}

function environmentRoutes({ environments, slots }: RoutesOptions): readonly ControlRoute[] {
  const found = ({ parameters }: ControlRequest): ReturnType<Environments['require']> => {
    const { id, ...scope } = namedSchema.parse(parameters);
    return environments.require(scope, id);
  };
  return [
    {
      method: 'GET',
      path: ENVIRONMENTS,
      handle: ({ parameters }) => ({ value: environments.list(scopeSchema.parse(parameters)) }),
    },
    {
      method: 'PUT',
      path: `${ENVIRONMENTS}/:id`,
      handle: async ({ parameters, body }) => {
        const { id, ...scope } = namedSchema.parse(parameters);
        const environment = await environments.ensure(scope, id, environmentBodySchema.parse(body));
        return { value: environment.view() };
      },
    },
    {
      method: 'GET',
      path: `${ENVIRONMENTS}/:id`,
      handle: async (request) => {
        const { revision, waitSeconds } = waitSchema.parse(Object.fromEntries(request.query));
        const environment = found(request);
        await environment.changed(revision, waitSeconds, request.signal);
        return { value: found(request).view() };
      },
    },
    {
      method: 'DELETE',
      path: `${ENVIRONMENTS}/:id`,
      handle: async ({ parameters, query, signal }) => {
        const { id, ...scope } = namedSchema.parse(parameters);
        const until = Date.now() + waitSchema.parse(Object.fromEntries(query)).waitSeconds * 1000;
        await environments.settled(); // the request of a client that was killed may still be about to make it
        const doomed = environments.find(scope, id);
        if (doomed && doomed.record.phase !== 'destroying') slots.assertNotRouted(doomed.record);
        doomed?.destroy();
        for (;;) {
          const environment = environments.find(scope, id);
          const view = environment?.view();
          if (!environment || !view) return { value: { gone: true } };
          if (Date.now() >= until || signal.aborted) return { value: { gone: false, message: view.message } };
          await environment.changed(view.revision, (until - Date.now()) / 1000, signal);
        }
      },
    },
    {
      method: 'GET',
      path: `${ENVIRONMENTS}/:id/health`,
      handle: async (request) => ({ value: await found(request).health(request.signal) }),
    },
    {
      method: 'GET',
      path: `${ENVIRONMENTS}/:id/logs`,
      handle: (request): ControlAnswer => {
        const { services, since, after, follow } = logsSchema.parse(Object.fromEntries(request.query));
        const query = {
          ...(services !== undefined && { services: services.split(',') }),
          ...(since !== undefined && { since: new Date(since) }),
          ...(after !== undefined && { after }),
          follow: follow === 'true',
        };
        return { lines: found(request).logs(query, request.signal) };
      },
    },
    {
      method: 'POST',
      path: `${ENVIRONMENTS}/:id/scale`,
      handle: (request) => {
        found(request).scale(scaleBodySchema.parse(request.body).instances);
        return { value: {} };
      },
    },
    {
      method: 'POST',
      path: `${ENVIRONMENTS}/:id/exec`,
      handle: async (request) => ({ value: await found(request).exec(execBodySchema.parse(request.body).service) }),
    },
  ];
}

function dnsRoutes({ zones }: RoutesOptions): readonly ControlRoute[] {
  const dns = dnsHandlers(zones);
  return [
    { method: 'GET', path: '/v1/zones', handle: async () => ({ value: await dns.zones() }) },
    {
      method: 'GET',
      path: '/v1/zones/:zone/records',
      handle: async ({ parameters, query }) => {
        const filter = recordFilterSchema.parse(Object.fromEntries(query));
        return { value: await dns.records(parameters.zone ?? '', filter) };
      },
    },
    {
      method: 'POST',
      path: '/v1/zones/:zone/changes',
      handle: async ({ parameters, body }) => {
        const { changes } = z.strictObject({ changes: z.array(recordChangeSchema) }).parse(body);
        await dns.change(parameters.zone ?? '', changes);
        return { value: {} };
      },
    },
  ];
}
