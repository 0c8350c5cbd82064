import type { Session } from '../host/session.ts';
import type { Call } from '../provider/host.ts';
import type { SlotDocument } from '../slot/documents.ts';
import type { DocumentStore } from '../state/document-store.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { SnapshotDocument, VolumeDocument } from '../storage/documents.ts';

const READ_SECONDS = 600;

/** All documents of what a provider has, by id. */
export interface AllDocuments {
  readonly environments: ReadonlyMap<string, EnvironmentDocument>;
  readonly slots: ReadonlyMap<string, SlotDocument>;
  readonly volumes: ReadonlyMap<string, VolumeDocument>;
  readonly snapshots: ReadonlyMap<string, SnapshotDocument>;
}

/** @throws ProviderError `internal`: one can't be read, and what it says must not be lost by writing another one; `unsupported`: of a newer version. */
export async function readAll(session: Session): Promise<AllDocuments> {
  const { environments, slots, volumes, snapshots } = session.documents;
  return session.briefly(
    'read the state',
    async (call) => ({
      environments: await byId(environments, call),
      slots: await byId(slots, call),
      volumes: await byId(volumes, call),
      snapshots: await byId(snapshots, call),
    }),
    READ_SECONDS,
  );
}

async function byId<T extends { readonly schema: number }>(
  store: DocumentStore<T>,
  call: Call,
): Promise<ReadonlyMap<string, T>> {
  const found = new Map<string, T>();
  for await (const { id, document } of store.list(call)) found.set(id, document);
  return found;
}
