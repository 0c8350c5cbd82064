import type { FoundationPlan, FoundationView } from '../host/foundations.ts';
import { driverOf, type BoundProvider } from '../host/drivers.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import { FOUNDATION } from '../provider/tokens.ts';
import { changedKeys, foundationSpec, type FoundationConfig } from './ask.ts';
import type { FoundationDocument } from './documents.ts';
import { noFoundation, readFoundation } from './ensure.ts';
import { foundationDriver } from './outputs.ts';

export async function listFoundations(session: Session): Promise<readonly FoundationView[]> {
  return session.briefly('list foundations', async (call) => {
    const found: FoundationView[] = [];
    for await (const { document } of session.documents.foundations.list(call)) found.push(viewOf(document));
    return found;
  });
}

/** As the state knows it: of one that was just seen to be whole. @throws ProviderError `not-found`: somebody destroyed it meanwhile. */
export async function recordedFoundation(session: Session, id: string): Promise<FoundationView> {
  const found = await readFoundation(session, id);
  if (found) return viewOf(found.document);
  throw new ProviderError('not-found', `the foundation ${id} was destroyed meanwhile`);
}

/** As its provider sees it. @param id - Left out: that of the config. @throws ProviderError `unsupported`: the config's provider needs none. */
export async function showFoundation(session: Session, config: FoundationConfig, id?: string): Promise<FoundationView> {
  const mine = await session.bind(config.provider);
  const wanted = id ?? idOf(mine);
  const found = await readFoundation(session, wanted);
  if (!found) return { id: wanted, provider: config.provider.name, state: 'absent', records: [], differs: [] };
  const { document } = found;
  const spec = foundationSpec(session, config, mine);
  const differs = mine.foundation === wanted ? changedKeys(document, config, spec) : [];
  const bound = await session.bind(document.provider);
  const driver = await foundationDriver(bound);
  const { foundation } = document;
  const ref = { id: document.spec.id, ...(foundation && { handle: foundation.handle }) };
  const live = await session.briefly(`look at the foundation ${wanted}`, (call) => driver.read(ref, call));
  const view = { ...viewOf(document), differs };
  if (!live && document.phase === 'ready') return { ...view, state: 'gone' };
  return { ...view, ...(live?.message !== undefined && { message: live.message }) };
}

/** What a config asks for, and what was made of it. No cloud is asked. */
export async function planFoundation(session: Session, config: FoundationConfig): Promise<FoundationPlan> {
  const bound = await session.bind(config.provider);
  const id = idOf(bound);
  const spec = foundationSpec(session, config, bound);
  const parts = (await driverOf(bound, FOUNDATION, 'foundation')).parts?.(spec);
  const outputs = (await readFoundation(session, id))?.document.foundation?.outputs;
  return {
    id,
    stage: session.stage,
    provider: bound.provider.id,
    config: bound.config,
    ...(spec.domain !== undefined && { domain: spec.domain }),
    ...(parts && { parts }),
    ...(outputs !== undefined && { outputs }),
  };
}

export function idOf({ foundation, provider }: BoundProvider): string {
  if (foundation === undefined) throw noFoundation(provider.id);
  return foundation;
}

function viewOf(document: FoundationDocument): FoundationView {
  const {
    id,
    provider,
    phase,
    spec,
    foundation,
    records = [],
    zones = [],
    createdAt,
    readyAt,
    owner,
    error,
  } = document;
  return {
    id,
    provider: provider.name,
    state: phase,
    records,
    differs: [],
    createdAt,
    ...(spec.domain !== undefined && { domain: spec.domain }),
    ...(foundation?.outputs !== undefined && { outputs: foundation.outputs }),
    ...(zones.length > 0 && {
      zones: zones.map(({ name, nameServers = [], isServed = false }) => ({ name, nameServers, isServed })),
    }),
    ...(readyAt !== undefined && { readyAt }),
    ...(owner && { operation: owner.operation }),
    ...(error && {
      error: { code: error.code, message: error.message, ...(error.hint !== undefined && { hint: error.hint }) },
    }),
  };
}
