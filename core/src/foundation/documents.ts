import { z } from 'zod';
import type { RecordSet } from '../dns/dns.ts';
import type { Foundation, FoundationSpec } from '../provider/foundation.ts';
import type { ErrorRecord } from '../state/documents.ts';

// Lazy: a command that needs no foundation spends nothing on its schema.
const instant = z.iso.datetime();
const provider = z.strictObject({ name: z.string(), config: z.unknown() });
const hasId = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string';
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;

/** What stands under the environments of one project and stage, at one provider and place. */
export const foundationDocumentSchema = z.lazy(() =>
  z.strictObject({
    schema: z.literal(1),
    /** Of the provider and its place: `aws.eu-west-1`. */
    id: z.string(),
    /** `failed`: nothing stands on it. A change that failed leaves it `ready`, with the error. */
    phase: z.enum(['creating', 'ready', 'failed', 'destroying']),
    /** The operation that works on it, in the hand of the process with that epoch of the operation. */
    owner: z.strictObject({ operation: z.string(), epoch: z.int().nonnegative() }).exactOptional(),
    /** As it was last asked for. */
    provider,
    dns: provider.exactOptional(),
    spec: z.custom<FoundationSpec>(hasId, 'expected the spec of a foundation'),
    /** As it was last seen whole: drivers get its outputs. */
    foundation: z.custom<Foundation<unknown>>(hasId, 'expected a foundation').exactOptional(),
    /** What DNS may say for it. Written down before it is written there. */
    records: z.array(z.custom<RecordSet>(isObject, 'expected a record set')).readonly().exactOptional(),
    /** Zones that were made for its domains. Written down before they are made. */
    zones: z
      .array(
        z.strictObject({
          name: z.string(),
          since: instant,
          /** Where its parent has to lead to. Left out: it may not be there yet. */
          nameServers: z.array(z.string()).readonly().exactOptional(),
          /** The foundation was whole with it, so somebody leads to it. */
          isServed: z.literal(true).exactOptional(),
        }),
      )
      .readonly()
      .exactOptional(),
    createdAt: instant,
    readyAt: instant.exactOptional(),
    error: z.custom<ErrorRecord>(isObject, 'expected an error').exactOptional(),
  }),
);
export type FoundationDocument = z.output<typeof foundationDocumentSchema>;
export type ZoneRecord = NonNullable<FoundationDocument['zones']>[number];
