import { z } from 'zod';
import type { ProjectConfig } from '../config/schema.ts';
import type { RecordSet } from '../dns/dns.ts';
import type { Clock } from '../engine/clock.ts';
import type { Environment, EnvironmentSpec } from '../environment/environment.ts';
import { foundationDocumentSchema, type FoundationDocument } from '../foundation/documents.ts';
import type { ErrorCode } from '../provider/error.ts';
import { processSchema } from '../engine/process-schema.ts';
import {
  queueDocumentSchema,
  releaseDocumentSchema,
  slotDocumentSchema,
  type QueueDocument,
  type ReleaseDocument,
  type SlotDocument,
} from '../slot/documents.ts';
import {
  snapshotDocumentSchema,
  volumeDocumentSchema,
  type SnapshotDocument,
  type VolumeDocument,
} from '../storage/documents.ts';
import { DocumentStore, type DocumentKind } from './document-store.ts';
import type { StateStore } from './store.ts';

const instant = z.iso.datetime();
const epoch = z.int().nonnegative();
/** What an older or newer provider put there is the provider's own business; core reads on. */
const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
const hasId = (value: unknown): boolean => isObject(value) && 'id' in value && typeof value.id === 'string';

/** An error as documents keep it: without its cause, which may be anything. */
export const errorRecordSchema = z.strictObject({
  code: z.custom<ErrorCode>((value) => typeof value === 'string', 'expected an error code'),
  message: z.string(),
  hint: z.string().exactOptional(),
  path: z.string().exactOptional(),
});
export type ErrorRecord = z.output<typeof errorRecordSchema>;

/** One environment, also after it is gone: `gone` is a tombstone that keeps its incarnation. */
export const environmentDocumentSchema = z.strictObject({
  schema: z.literal(1),
  id: z.string(),
  commit: z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/),
  /** The branch or tag by which it was asked for. */
  ref: z.string().exactOptional(),
  slot: z.string().exactOptional(),
  /** Of the slot's settings: 4 hex or more. */
  settings: z
    .string()
    .regex(/^[0-9a-f]{4,64}$/)
    .exactOptional(),
  /** Rises each time that it is made again. */
  incarnation: z.int().min(1),
  phase: z.enum(['creating', 'ready', 'failed', 'destroying', 'gone']),
  epoch,
  owner: z.strictObject({ operation: z.string() }).exactOptional(),
  provider: z.strictObject({ name: z.string(), config: z.unknown() }),
  fingerprint: z.string(),
  hosts: z.array(z.string()).readonly(),
  spec: z.custom<EnvironmentSpec>(hasId, 'expected an environment spec').exactOptional(),
  /** As it was last seen. */
  environment: z.custom<Environment>(hasId, 'expected an environment').exactOptional(),
  /** The commit's, with what the command line laid over it. Promotions go by it. */
  config: z.custom<ProjectConfig>((value) => typeof value === 'object' && value !== null).exactOptional(),
  /** The folder of the mirror that its commit came through. */
  mirror: z.string().exactOptional(),
  /** Services whose image may have been built or tagged for it. Written down before they are. */
  images: z.array(z.string()).exactOptional(),
  /** Services whose image the cloud may be building for it. Written down before it is asked to. */
  builds: z.array(z.string()).exactOptional(),
  /** Its images in a registry, by digest. */
  pushed: z.array(z.string()).exactOptional(),
  /** Resource ids of volumes that go with it. Written down before they are made. */
  volumes: z.array(z.string()).exactOptional(),
  /** That may be in the DNS for its own names. Written down before they are. */
  records: z.array(z.custom<RecordSet>(isObject, 'expected a record set')).readonly().exactOptional(),
  /** Fingerprint of what the command line laid over the commit's config. */
  overrides: z.string().exactOptional(),
  createdAt: instant,
  readyAt: instant.exactOptional(),
  expiresAt: instant.exactOptional(),
  error: errorRecordSchema.exactOptional(),
  /** Of one that is gone: how long its logs stay and, where its provider keeps them, of what. */
  logs: z
    .strictObject({
      until: instant,
      environment: z.custom<Environment>(hasId, 'expected an environment').exactOptional(),
    })
    .exactOptional(),
  /** Slots that use it: slot → holder (an operation) → epoch. */
  pins: z.record(z.string(), z.record(z.string(), epoch)),
  /** When the last slot let go of it: what it had begun to answer may take longer. */
  releasedAt: instant.exactOptional(),
  /**
   * Its document was lost, and written again from what its provider has of it. `lacks`: why its config and spec are not known any more, and then
   * `mayMount`: the volumes that it may have.
   */
  rebuilt: z
    .strictObject({ at: instant, lacks: z.string().exactOptional(), mayMount: z.array(z.string()).exactOptional() })
    .exactOptional(),
  /** Of the commit. */
  subject: z.string().exactOptional(),
  author: z.string().exactOptional(),
});
export type EnvironmentDocument = z.output<typeof environmentDocumentSchema>;

export const stepDocumentSchema = z.strictObject({
  id: z.string(),
  title: z.string(),
  /** `intended`: its effect may be there or not. */
  state: z.enum(['planned', 'intended', 'done', 'failed', 'undone']),
  token: z.string().regex(/^[a-z0-9-]{1,36}$/),
  result: z.unknown().exactOptional(),
  error: errorRecordSchema.exactOptional(),
  startedAt: instant.exactOptional(),
  endedAt: instant.exactOptional(),
});
export type StepDocument = z.output<typeof stepDocumentSchema>;

/** One piece of work, as its journal keeps it. */
export const operationDocumentSchema = z.lazy(() =>
  z.strictObject({
    schema: z.literal(1),
    id: z.string(),
    kind: z.string(),
    /** What it works on, such as an environment's id. */
    subject: z.string(),
    input: z.unknown(),
    state: z.enum(['running', 'interrupted', 'done', 'failed', 'aborted']),
    /** Rises with every takeover. */
    epoch,
    /** The process that runs it, or ran it last. */
    owner: processSchema,
    /** Rises while its owner lives. Only its change tells, never its value. */
    heartbeat: z.int().nonnegative(),
    createdAt: instant,
    updatedAt: instant,
    endedAt: instant.exactOptional(),
    result: z.unknown().exactOptional(),
    error: errorRecordSchema.exactOptional(),
    steps: z.array(stepDocumentSchema).readonly(),
  }),
);
export type OperationDocument = z.output<typeof operationDocumentSchema>;

/** The project that the store belongs to. */
export const projectDocumentSchema = z.lazy(() =>
  z.strictObject({
    schema: z.literal(1),
    project: z.string(),
    stage: z.string(),
    /** Where its repository is or was: a folder or a URL without credentials. */
    repository: z.string(),
    createdAt: instant,
  }),
);
export type ProjectDocument = z.output<typeof projectDocumentSchema>;

export const ENVIRONMENTS: DocumentKind<EnvironmentDocument> = {
  name: 'environment',
  prefix: 'env/',
  schema: environmentDocumentSchema,
  version: 1,
  upgrades: {},
};
export const OPERATIONS: DocumentKind<OperationDocument> = {
  name: 'operation',
  prefix: 'op/',
  schema: operationDocumentSchema,
  version: 1,
  upgrades: {},
};
/** There is one, under the id `project`. */
export const PROJECTS: DocumentKind<ProjectDocument> = {
  name: 'project',
  prefix: '',
  schema: projectDocumentSchema,
  version: 1,
  upgrades: {},
};

export const SLOTS: DocumentKind<SlotDocument> = {
  name: 'slot',
  prefix: 'slot/',
  schema: slotDocumentSchema,
  version: 1,
  upgrades: {},
};
/** The ledger, under `<slot>/<generation>`: made once, never changed. */
export const RELEASES: DocumentKind<ReleaseDocument> = {
  name: 'release',
  prefix: 'release/',
  schema: releaseDocumentSchema,
  version: 1,
  upgrades: {},
};
export const QUEUES: DocumentKind<QueueDocument> = {
  name: 'queue',
  prefix: 'queue/',
  schema: queueDocumentSchema,
  version: 1,
  upgrades: {},
};

export const VOLUMES: DocumentKind<VolumeDocument> = {
  name: 'volume',
  prefix: 'volume/',
  schema: volumeDocumentSchema,
  version: 1,
  upgrades: {},
};
export const SNAPSHOTS: DocumentKind<SnapshotDocument> = {
  name: 'snapshot',
  prefix: 'snapshot/',
  schema: snapshotDocumentSchema,
  version: 1,
  upgrades: {},
};

/** By provider and place. */
export const FOUNDATIONS: DocumentKind<FoundationDocument> = {
  name: 'foundation',
  prefix: 'foundation/',
  schema: foundationDocumentSchema,
  version: 1,
  upgrades: {},
};

/** All documents of one project and stage. */
export interface Documents {
  readonly environments: DocumentStore<EnvironmentDocument>;
  readonly operations: DocumentStore<OperationDocument>;
  readonly projects: DocumentStore<ProjectDocument>;
  readonly slots: DocumentStore<SlotDocument>;
  readonly releases: DocumentStore<ReleaseDocument>;
  readonly queues: DocumentStore<QueueDocument>;
  readonly volumes: DocumentStore<VolumeDocument>;
  readonly snapshots: DocumentStore<SnapshotDocument>;
  readonly foundations: DocumentStore<FoundationDocument>;
}

/** The documents in a store. */
export function documentsIn(store: StateStore, clock?: Clock): Documents {
  return {
    environments: new DocumentStore(store, ENVIRONMENTS, clock),
    operations: new DocumentStore(store, OPERATIONS, clock),
    projects: new DocumentStore(store, PROJECTS, clock),
    slots: new DocumentStore(store, SLOTS, clock),
    releases: new DocumentStore(store, RELEASES, clock),
    queues: new DocumentStore(store, QUEUES, clock),
    volumes: new DocumentStore(store, VOLUMES, clock),
    snapshots: new DocumentStore(store, SNAPSHOTS, clock),
    foundations: new DocumentStore(store, FOUNDATIONS, clock),
  };
}
