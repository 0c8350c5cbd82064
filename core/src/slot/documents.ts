import { z } from 'zod';
import { processSchema } from '../engine/process-schema.ts';
import type { RecordSet } from '../dns/dns.ts';
import type { SlotSpec } from './slot.ts';

// Lazy: a command that only prints environments spends nothing on the schemas of slots.
const instant = z.iso.datetime();
const environmentId = z.string();

/** Who owns a slot: an operation, in the hand of one process. */
export const slotOwnerSchema = z.strictObject({
  operation: z.string(),
  /** The operation's own epoch: it rises when another process takes it over. */
  run: z.int().positive(),
  /** Written down here too, since the operation's document is written beside the claim and may never have come. */
  process: processSchema,
});
export type SlotOwner = z.output<typeof slotOwnerSchema>;

/** What made a generation. All that its line in the ledger needs, so that whoever comes next can write it. */
export const releaseSourceSchema = z.strictObject({
  operation: z.string(),
  kind: z.enum(['promote', 'rollback', 'revert', 'adopt']),
  by: z.string(),
  at: instant,
  reason: z.string().exactOptional(),
  /** The head before. */
  from: environmentId.exactOptional(),
});
export type ReleaseSource = z.output<typeof releaseSourceSchema>;

const stageSchema = z.strictObject({ percent: z.number(), holdSeconds: z.number() });

/** One slot. The put that changes its generation is the commit of a promotion or a rollback. */
export const slotDocumentSchema = z.lazy(() =>
  z.strictObject({
    schema: z.literal(1),
    name: z.string(),
    /** Rises with every put that claims, takes over or turns back. Routes carry it as their stamp. */
    epoch: z.int().nonnegative(),
    owner: slotOwnerSchema.exactOptional(),
    /** Of the unfinished operation. `bake`: the head has moved, and its owner watches it. `destroy`: its routes are being taken away. */
    kind: z.enum(['promote', 'rollback', 'bake', 'destroy']).exactOptional(),
    /** Where traffic is about to go. A rollback of a first promotion goes nowhere. */
    to: environmentId.exactOptional(),
    /** What is about to be left, and may be live. */
    left: environmentId.exactOptional(),
    /** `left` served, so that it will be rejected. */
    rejects: z.boolean().exactOptional(),
    /** While a promotion is staged, traffic may be split between the head and `to` in these shares. */
    stages: z.array(stageSchema).readonly().exactOptional(),
    approval: z
      .strictObject({
        askedAt: instant,
        by: z.string().exactOptional(),
        at: instant.exactOptional(),
        reason: z.string().exactOptional(),
      })
      .exactOptional(),
    bakeUntil: instant.exactOptional(),
    generation: z.int().nonnegative(),
    head: environmentId.exactOptional(),
    /** Newest first. */
    standbys: z.array(environmentId).readonly(),
    rejected: z.array(z.strictObject({ environment: environmentId, since: instant })).readonly(),
    /** Let go, but what they began to answer may not have ended; or a rollback went past them, and somebody may want them yet. */
    draining: z.array(z.strictObject({ environment: environmentId, until: instant })).readonly(),
    /** When each of the standbys was left as the head: so long ago its last requests began. */
    leftAt: z.record(environmentId, instant).exactOptional(),
    /** What made this generation. */
    release: releaseSourceSchema.exactOptional(),
    /** It was destroyed, and nothing of it is left but this: its epoch and generation, which are never used again. */
    destroyed: z
      .strictObject({ operation: z.string(), by: z.string(), at: instant, reason: z.string().exactOptional() })
      .exactOptional(),
    /** Automatic promotions are held, until somebody promotes on purpose or unpins. */
    pinned: z.strictObject({ by: z.string(), at: instant, why: z.string() }).exactOptional(),
    /** How many standbys are kept, and how long a former head drains: of the config that the head was promoted by. */
    retain: z.int().nonnegative(),
    drainSeconds: z.number(),
    /** The same of what is being promoted. It counts from when that is the head. */
    keeping: z.strictObject({ retain: z.int().nonnegative(), drainSeconds: z.number() }).exactOptional(),
    /** How long the slot did not answer when a disk of it last went from one head to the next, and of what that was made up. */
    handover: z
      .strictObject({ stopSeconds: z.number(), attachSeconds: z.number(), startSeconds: z.number() })
      .exactOptional(),
    mechanism: z.enum(['router', 'dns']),
    provider: z.strictObject({ name: z.string(), config: z.unknown() }),
    /** Where the records of a slot by DNS are. */
    dns: z.strictObject({ name: z.string(), config: z.unknown() }).exactOptional(),
    /** As the router was last asked for it. */
    spec: z.custom<SlotSpec>((value) => typeof value === 'object' && value !== null).exactOptional(),
    url: z.string().exactOptional(),
    /** By DNS: names that it had, whose records are still there. */
    formerHosts: z.array(z.string()).readonly().exactOptional(),
    /** What its router asked DNS to say, as it was written. */
    records: z
      .array(z.custom<RecordSet>((value) => typeof value === 'object' && value !== null))
      .readonly()
      .exactOptional(),
  }),
);
export type SlotDocument = z.output<typeof slotDocumentSchema>;

/** One line of a slot's ledger. */
export const releaseDocumentSchema = z.lazy(() =>
  z.strictObject({
    schema: z.literal(1),
    slot: z.string(),
    generation: z.int().positive(),
    environment: environmentId,
    commit: z.string(),
    subject: z.string().exactOptional(),
    /** Of what serves, by part. */
    digests: z.record(z.string(), z.string()),
    configFingerprint: z.string(),
    ...releaseSourceSchema.shape,
  }),
);
export type ReleaseDocument = z.output<typeof releaseDocumentSchema>;

/** The one automatic promotion that waits for a slot. A newer one takes its place. */
export const queueDocumentSchema = z.lazy(() =>
  z.strictObject({
    schema: z.literal(1),
    slot: z.string(),
    waiting: z
      .strictObject({
        operation: z.string(),
        environment: environmentId,
        at: instant,
        /** Who waits: where it is gone, nobody does. */
        process: processSchema.exactOptional(),
      })
      .exactOptional(),
  }),
);
export type QueueDocument = z.output<typeof queueDocumentSchema>;
