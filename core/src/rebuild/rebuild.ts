import type { RebuiltItem } from '../host/project.ts';
import type { Session } from '../host/session.ts';
import { artefactOwner, resourceIdOf } from '../environment/life.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import type { SlotDocument } from '../slot/documents.ts';
import { completeLedger } from '../slot/ledger.ts';
import { usedBy } from '../slot/moves.ts';
import { pinEnvironment } from '../slot/pins.ts';
import { leadsTo, type Members } from '../slot/traffic.ts';
import type { DocumentStore } from '../state/document-store.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import { Storage } from '../storage/provider.ts';
import { openCommits, type CommitReader } from './commits.ts';
import { dnsSlotsOf } from './dns-slots.ts';
import { environmentDocuments, type Planned, type Unwritable } from './environments.ts';
import { goneDocuments } from './gone.ts';
import { readAll, type AllDocuments } from './read-all.ts';
import { itemsOf } from './items.ts';
import { slotDocument } from './slots.ts';
import { snapshotDocuments } from './snapshots.ts';
import { survey, type Survey } from './survey.ts';
import { volumeDocuments } from './volumes.ts';

/** Who holds the pins that a rebuild writes: no operation. */
const HOLDER = 'rebuild';

export interface RebuildOptions {
  /** Tells what would be written, and writes nothing. */
  readonly dryRun: boolean;
  /** How commits are read. Left out: from the repository around the session's folder. */
  readonly openCommits?: (session: Session) => Promise<CommitReader>;
}

/**
 * Writes the documents again of what runs and carries our tags. A document that is there stays as it is, so that it can be called again at any
 * time, also by two at once. Nothing in the cloud is changed, and nothing is written unless all of the cloud could be read.
 *
 * Snapshots and volumes come first: what destroys an environment goes by the documents of its volumes. Then come environments with the pins of
 * their slots in them, and only then the slots, for whoever finds a slot has to find its head.
 * @throws ProviderError what the provider or the repository says; `internal`: a document is there and can't be read.
 */
export async function rebuildState(session: Session, options: RebuildOptions): Promise<readonly RebuiltItem[]> {
  const commits = await (options.openCommits ?? openCommits)(session);
  try {
    // The cloud first, then the documents: what is made in between has a document by the time that they are read.
    const found = await survey(session);
    const plan = await planRebuild(session, found, commits);
    if (options.dryRun) return itemsOf(plan, undefined);
    return itemsOf(plan, await write(session, found, plan));
  } finally {
    await commits.close();
  }
}

/** What a rebuild comes to, before any of it is written. */
export interface Plan {
  readonly known: AllDocuments;
  readonly environments: readonly Planned<EnvironmentDocument>[];
  readonly slots: readonly Planned<SlotDocument>[];
  readonly volumes: ReturnType<typeof volumeDocuments>['planned'];
  readonly snapshots: ReturnType<typeof snapshotDocuments>;
  readonly left: readonly (Unwritable & { readonly type: RebuiltItem['type'] })[];
}

async function planRebuild(session: Session, found: Survey, commits: CommitReader): Promise<Plan> {
  const known = await readAll(session);
  const made = await environmentDocuments(session, found, commits);
  // What is there already counts as it is.
  const members: Members = new Map([
    ...made.planned.map(({ document }) => [document.id, document] as const),
    ...[...known.environments].filter(([, { phase }]) => phase !== 'gone'),
  ]);
  const slots = await slotsOf(session, found, members);
  const allSlots = [
    ...known.slots.values(),
    ...slots.map(({ document }) => document).filter(({ name }) => !known.slots.has(name)),
  ];
  const around = { environments: [...members.values()], slots: allSlots };
  const volumes = volumeDocuments(session, found, around);
  const environments = made.planned.map(({ document, unknown }) => ({
    document: routed(pinned(document, allSlots), found),
    unknown,
  }));
  return {
    known,
    environments: [...environments, ...(await goneDocuments(session, found, commits, members))],
    slots,
    volumes: volumes.planned,
    snapshots: snapshotDocuments(session, found, around.environments),
    left: [
      ...made.left.map((one) => ({ ...one, type: 'environment' as const })),
      ...volumes.left.map((one) => ({ ...one, type: 'volume' as const })),
    ],
  };
}

async function slotsOf(session: Session, found: Survey, members: Members): Promise<readonly Planned<SlotDocument>[]> {
  const place = { mechanism: 'router' as const, provider: found.provider };
  const routed: Planned<SlotDocument>[] = [];
  for (const live of found.slots) routed.push(await slotDocument(session, live, members, place));
  return [...routed, ...(await dnsSlotsOf(session, members))];
}

function pinned(document: EnvironmentDocument, slots: readonly SlotDocument[]): EnvironmentDocument {
  const using = slots.filter((slot) => usedBy(slot).has(document.id));
  return { ...document, pins: Object.fromEntries(using.map(({ name, epoch }) => [name, { [HOLDER]: epoch }])) };
}

/** What a router leads to has been ready, and is just started again. */
function routed(document: EnvironmentDocument, { slots }: Survey): EnvironmentDocument {
  if (document.phase !== 'failed' || !slots.some((slot) => leadsTo(slot, document))) return document;
  const { error: _, ...rest } = document;
  return { ...rest, phase: 'ready' };
}

/** @returns The keys of what was written. */
async function write(session: Session, found: Survey, plan: Plan): Promise<ReadonlySet<string>> {
  const { documents } = session;
  const written = new Set<string>();
  const create = async <T extends { readonly schema: number }>(
    type: RebuiltItem['type'],
    store: DocumentStore<T>,
    id: string,
    document: T,
    isThere?: (call: Call) => Promise<boolean>,
  ): Promise<void> => {
    session.operations.signal.throwIfAborted();
    if (await createUnlessThere(session, store, `${type} ${id}`, id, document, isThere)) written.add(`${type} ${id}`);
  };
  const storage =
    plan.volumes.length + plan.snapshots.length > 0 ? await Storage.of(session, found.provider) : undefined;
  for (const { document } of plan.snapshots)
    await create('snapshot', documents.snapshots, document.id, document, async (call) =>
      Boolean(await storage?.snapshots.read({ id: document.id, handle: document.snapshot?.handle ?? {} }, call)),
    );
  for (const { document } of plan.volumes)
    await create('volume', documents.volumes, document.id, document, async (call) =>
      document.phase === 'gone' ? true : Boolean(await storage?.driver.volumes.read({ id: document.id }, call)),
    );
  for (const { document } of plan.environments) {
    await create('environment', documents.environments, document.id, document);
    keepFiles(session, document);
  }
  for (const { document } of plan.slots) {
    await create('slot', documents.slots, document.name, document);
    await settleSlot(session, document.name, written);
  }
  return written;
}

/** @returns Whether it was written: not where there is one, nor where its resource has gone meanwhile. */
async function createUnlessThere<T extends { readonly schema: number }>(
  session: Session,
  store: DocumentStore<T>,
  what: string,
  id: string,
  document: T,
  isThere: ((call: Call) => Promise<boolean>) | undefined,
): Promise<boolean> {
  return session.briefly(`write ${what}`, async (call) => {
    if (await store.get(id, call)) return false;
    try {
      const made = await store.create(id, document, call);
      // Whoever destroys it from now on finds its document. Whoever had done so before did not.
      if (isThere === undefined || (await isThere(call))) return true;
      await store.delete(made, call);
      return false;
    } catch (error) {
      if (ProviderError.is(error) && error.code === 'conflict') return false;
      throw error;
    }
  });
}

/** The files that it was made of, as far as they are here: a slot's own environment is made of the same. */
function keepFiles(session: Session, document: EnvironmentDocument): void {
  if (!document.spec) return;
  const owner = artefactOwner(session, resourceIdOf(document));
  const parts = [...Object.values(document.spec.services), ...Object.values(document.spec.sites)];
  for (const { artefact } of parts) if (artefact.kind === 'files') session.artefacts.reference(artefact.digest, owner);
}

/** The ledger's line of a slot as it now is, and the pins that keep what it uses: also where its environments were written down before it was. */
async function settleSlot(session: Session, name: string, written: Set<string>): Promise<void> {
  const slot = await session.briefly(`read slot ${name}`, (call) => session.documents.slots.get(name, call));
  if (!slot) return;
  await completeLedger(session, slot.document);
  for (const id of usedBy(slot.document)) {
    const isPinned = await session.briefly(`pin environment ${id}`, async (call) => {
      const found = await session.documents.environments.get(id, call);
      if (found?.document.phase !== 'ready' || found.document.pins[name]) return true;
      await pinEnvironment(session.documents, id, { slot: name, holder: HOLDER, epoch: slot.document.epoch }, call);
      return false;
    });
    if (!isPinned) written.add(`environment ${id}`);
  }
}
