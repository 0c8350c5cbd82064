import { z } from 'zod';
import { word } from '../control/protocol.ts';
import { routingBodySchema, slotBodySchema } from '../control/slot-protocol.ts';
import type { ControlRoute } from './control-server.ts';
import type { Slots } from './slots.ts';

const SLOTS = '/v1/projects/:project/stages/:stage/slots';
const scopeSchema = z.object({ project: word, stage: word });
const namedSchema = scopeSchema.extend({ id: word });

/** What the daemon does with slots for its clients. */
export function slotRoutes(slots: Slots): readonly ControlRoute[] {
  const named = (parameters: Readonly<Record<string, string>>) => {
    const { id, ...scope } = namedSchema.parse(parameters);
    return { id, scope };
  };
  return [
    {
      method: 'GET',
      path: SLOTS,
      handle: ({ parameters }) => ({ value: slots.list(scopeSchema.parse(parameters)) }),
    },
    {
      method: 'GET',
      path: `${SLOTS}/:id`,
      handle: ({ parameters }) => {
        const { id, scope } = named(parameters);
        return { value: slots.require(scope, id) };
      },
    },
    {
      method: 'PUT',
      path: `${SLOTS}/:id`,
      handle: async ({ parameters, body }) => {
        const { id, scope } = named(parameters);
        return { value: await slots.ensure(scope, id, slotBodySchema.parse(body)) };
      },
    },
    {
      method: 'PUT',
      path: `${SLOTS}/:id/routes`,
      handle: ({ parameters, body }) => {
        const { id, scope } = named(parameters);
        return { value: slots.route(scope, id, routingBodySchema.parse(body)) };
      },
    },
    {
      method: 'DELETE',
      path: `${SLOTS}/:id`,
      handle: async ({ parameters, query }) => {
        const { id, scope } = named(parameters);
        await slots.destroy(scope, id, query.get('version') ?? undefined);
        return { value: {} };
      },
    },
  ];
}
