import { z } from 'zod';
import { word } from '../../control/protocol.ts';
import { snapshotBodySchema, volumeBodySchema } from '../../control/storage-protocol.ts';
import type { ControlRoute } from '../control-server.ts';
import type { Storage } from './storage.ts';

const STAGE = '/v1/projects/:project/stages/:stage';
const scopeSchema = z.object({ project: word, stage: word });
const namedSchema = scopeSchema.extend({ id: word });
const waitSchema = z.object({ waitSeconds: z.coerce.number().min(0).max(60).default(0) });

/** Volumes and snapshots have the same four verbs; `GET` of one may wait for what goes on. */
export function storageRoutes({ volumes, snapshots }: Storage): readonly ControlRoute[] {
  return [
    ...verbs('volumes', {
      list: (scope) => volumes.list(scope),
      ensure: ({ id, ...scope }, body) => volumes.ensure(scope, id, volumeBodySchema.parse(body)),
      read: ({ id, ...scope }, waitSeconds, signal) => volumes.require(scope, id, waitSeconds, signal),
      destroy: ({ id, ...scope }, signal) => volumes.destroy(scope, id, signal),
    }),
    ...verbs('snapshots', {
      list: (scope) => snapshots.list(scope),
      ensure: ({ id, ...scope }, body) => snapshots.ensure(scope, id, snapshotBodySchema.parse(body)),
      read: ({ id, ...scope }, waitSeconds, signal) => snapshots.require(scope, id, waitSeconds, signal),
      destroy: ({ id, ...scope }) => snapshots.destroy(scope, id),
    }),
  ];
}

interface Verbs {
  readonly list: (scope: z.output<typeof scopeSchema>) => unknown;
  readonly ensure: (named: z.output<typeof namedSchema>, body: unknown) => unknown;
  readonly read: (named: z.output<typeof namedSchema>, waitSeconds: number, signal: AbortSignal) => Promise<unknown>;
  readonly destroy: (named: z.output<typeof namedSchema>, signal: AbortSignal) => Promise<void>;
}

function verbs(kind: string, { list, ensure, read, destroy }: Verbs): readonly ControlRoute[] {
  const all = `${STAGE}/${kind}`;
  const one = `${all}/:id`;
  return [
    { method: 'GET', path: all, handle: ({ parameters }) => ({ value: list(scopeSchema.parse(parameters)) }) },
    {
      method: 'PUT',
      path: one,
      handle: ({ parameters, body }) => ({ value: ensure(namedSchema.parse(parameters), body) }),
    },
    {
      method: 'GET',
      path: one,
      handle: async ({ parameters, query, signal }) => {
        const { waitSeconds } = waitSchema.parse(Object.fromEntries(query));
        return { value: await read(namedSchema.parse(parameters), waitSeconds, signal) };
      },
    },
    {
      method: 'DELETE',
      path: one,
      handle: async ({ parameters, signal }) => {
        await destroy(namedSchema.parse(parameters), signal);
        return { value: {} };
      },
    },
  ];
}
