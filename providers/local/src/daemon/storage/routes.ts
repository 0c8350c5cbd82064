import { z } from 'zod';
import { word } from '../../control/protocol.ts';
import {
  changesBodySchema,
  snapshotBodySchema,
  snapshotEndSchema,
  volumeBodySchema,
} from '../../control/storage-protocol.ts';
import type { ControlRoute } from '../control-server.ts';
import type { Snapshots } from './snapshots.ts';
import type { Storage } from './storage.ts';

const STAGE = '/v1/projects/:project/stages/:stage';
const scopeSchema = z.object({ project: word, stage: word });
const namedSchema = scopeSchema.extend({ id: word });
const readSchema = z.object({
  waitSeconds: z.coerce.number().min(0).max(60).default(0),
  /** How much it holds, too. */
  used: z.literal('true').optional(),
});

/** Volumes and snapshots have the same four verbs; `GET` of one may wait for what goes on. */
export function storageRoutes({ volumes, snapshots, sizes }: Storage): readonly ControlRoute[] {
  return [
    ...verbs('volumes', {
      list: (scope) => volumes.list(scope),
      ensure: ({ id, ...scope }, body) => volumes.ensure(scope, id, volumeBodySchema.parse(body)),
      read: async ({ id, ...scope }, { waitSeconds, used }, signal) => {
        const view = await volumes.require(scope, id, waitSeconds, signal);
        if (used === undefined || view.phase !== 'active') return view;
        const usedBytes = await sizes.of(volumes.requireActive(scope, id), signal);
        return { ...(await volumes.require(scope, id, 0, signal)), ...(usedBytes !== undefined && { usedBytes }) };
      },
      destroy: ({ id, ...scope }, signal) => volumes.destroy(scope, id, signal),
    }),
    ...verbs('snapshots', {
      list: (scope) => snapshots.list(scope),
      ensure: ({ id, ...scope }, body) => snapshots.ensure(scope, id, snapshotBodySchema.parse(body)),
      read: ({ id, ...scope }, { waitSeconds }, signal) => snapshots.require(scope, id, waitSeconds, signal),
      destroy: ({ id, ...scope }) => snapshots.destroy(scope, id),
    }),
    ...snapshotRoutes(snapshots),
  ];
}

function snapshotRoutes(snapshots: Snapshots): readonly ControlRoute[] {
  const one = `${STAGE}/snapshots/:id`;
  return [
    {
      method: 'POST',
      path: `${one}/complete`,
      handle: ({ parameters, body }) => {
        const { id, ...scope } = namedSchema.parse(parameters);
        return { value: snapshots.complete(scope, id, snapshotEndSchema.parse(body)) };
      },
    },
    {
      method: 'POST',
      path: `${one}/check`,
      handle: async ({ parameters, signal }) => {
        const { id, ...scope } = namedSchema.parse(parameters);
        return { value: { bytes: await snapshots.check(scope, id, signal) } };
      },
    },
    {
      method: 'POST',
      path: `${one}/changes`,
      handle: async ({ parameters, body, signal }) => {
        const { id, ...scope } = namedSchema.parse(parameters);
        const { volume } = changesBodySchema.parse(body);
        return { value: { bytes: await snapshots.changes(scope, id, volume, signal) } };
      },
    },
    {
      method: 'POST',
      path: `${one}/dump`,
      handle: async ({ parameters, body }) => {
        const { id, ...scope } = namedSchema.parse(parameters);
        return { value: { file: await snapshots.beginDump(scope, id, snapshotBodySchema.parse(body)) } };
      },
    },
    {
      method: 'GET',
      path: `${one}/dump`,
      handle: async ({ parameters }) => {
        const { id, ...scope } = namedSchema.parse(parameters);
        return { value: await snapshots.openDump(scope, id) };
      },
    },
  ];
}

interface Verbs {
  readonly list: (scope: z.output<typeof scopeSchema>) => unknown;
  readonly ensure: (named: z.output<typeof namedSchema>, body: unknown) => unknown;
  readonly read: (
    named: z.output<typeof namedSchema>,
    how: z.output<typeof readSchema>,
    signal: AbortSignal,
  ) => Promise<unknown>;
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
        const how = readSchema.parse(Object.fromEntries(query));
        return { value: await read(namedSchema.parse(parameters), how, signal) };
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
