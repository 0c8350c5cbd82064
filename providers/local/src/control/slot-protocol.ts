import { z } from 'zod';
import { hostName, noZero, partName, tags } from './protocol.ts';

const hosts = z.array(hostName).max(100);

/** `PUT …/slots/:id`: a slot as it is kept, but for where it leads. */
export const slotBodySchema = z.strictObject({
  fingerprint: noZero.min(1),
  tags,
  hosts: hosts.min(1),
  standbyHosts: hosts,
  /** Path prefixes by part. */
  parts: z.record(partName, noZero.startsWith('/')),
  drain: z.strictObject({ requestsSeconds: z.number().min(0), webSocketsSeconds: z.number().min(0) }),
});
export type SlotBody = z.output<typeof slotBodySchema>;

/** `environment` is the key of its handle. Those with 0 percent are the standbys, newest first. */
export const storedRouteSchema = z.strictObject({ environment: noZero.min(1), percent: z.int().min(0).max(100) });
export type StoredRoute = z.output<typeof storedRouteSchema>;

/** `PUT …/slots/:id/routes`. Nothing is written unless the routes are still those of `version`. */
export const routingBodySchema = z.strictObject({
  version: z.string(),
  /** Of the call: asked again with the same, it is one routing. */
  token: z.string(),
  routes: z.array(storedRouteSchema).max(100),
  stamp: z.string().regex(/^[0-9a-z]{1,63}$/, 'lower-case letters and digits'),
});
export type RoutingBody = z.output<typeof routingBodySchema>;
