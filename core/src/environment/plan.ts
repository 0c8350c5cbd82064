import type { CreateRequest } from '../host/project.ts';
import type { FoundationConfig } from '../foundation/ask.ts';
import type { Session } from '../host/session.ts';
import { environmentIdOf, formatEnvironmentId } from '../names/environment-id.ts';
import type { Plan } from '../provider/resource.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import { imageServices } from './build.ts';
import { createInput } from './create.ts';
import { deployedConfig } from './deployed-config.ts';
import { forgetCommit } from './leave-nothing.ts';
import { volumeSpecs } from './volumes.ts';

/** What creating an environment would do. Nothing is made: the commit is looked at in a folder that goes again. */
export async function planEnvironment(
  session: Session,
  request: CreateRequest,
): Promise<Plan & { readonly id: string; readonly commit: string }> {
  const input = await createInput(session, request);
  const { commit } = input;
  const id = formatEnvironmentId(environmentIdOf(commit.sha));
  const found = await session.briefly(`read environment ${id}`, (call) => session.documents.environments.get(id, call));
  if (found?.document.phase === 'ready')
    return { id, commit: commit.sha, changes: await ofSlot(session, request.slot, found.document) };
  const owner = `${session.project}/${session.stage}/plan-${String(process.pid)}`;
  const repository = await session.repository(input.repository);
  try {
    const tree = await session.artefacts.addTree(commit.tree, owner, (folder) => repository.checkout(commit, folder));
    const config = await deployedConfig(session, input, await session.artefacts.folder(tree.artefact));
    const images = new Set(imageServices(config));
    const changes = [
      ...Object.keys(config.services).map((name) => `${images.has(name) ? 'container' : 'process'} ${name}`),
      ...Object.keys(config.sites).map((name) => `site ${name}`),
      ...volumeSpecs(session, config, id).map(({ name }) => `volume ${name}`),
    ].map((what) => ({ action: 'create' as const, what }));
    const { provider } = config;
    const first = await ofFoundation(session, config);
    const more = await ofSlot(session, request.slot, { id, commit: commit.sha, provider, config });
    return { id, commit: commit.sha, changes: [...first, ...changes, ...more] };
  } finally {
    await session.artefacts.release(owner);
    await forgetCommit(session, { id: '', commit: commit.sha, mirror: repository.mirror.folder });
  }
}

/** What it would stand on, where the provider has such and there is none yet: the first that needs one makes it. */
async function ofFoundation(session: Session, config: FoundationConfig): Promise<Plan['changes']> {
  const { canStand } = await import('../foundation/outputs.ts');
  if (await canStand(session, await session.bind(config.provider))) return [];
  const { planFoundation } = await import('../foundation/view.ts');
  const { id, domain, parts = [] } = await planFoundation(session, config);
  const { missingZone } = await import('../foundation/zones.ts');
  // That it can't be asked is told by whoever needs it.
  const zone = await session
    .briefly('look at the zones', (call) => missingZone(session, config, domain, call))
    .catch(() => undefined);
  const whats = [
    `foundation ${id}`,
    ...(zone === undefined ? [] : [`zone ${zone}, which its parent has to lead to`]),
    ...parts.map(({ what }) => `foundation: ${what}`),
  ];
  return whats.map((what) => ({ action: 'create', what }));
}

/** The slot's own environment, where one is asked for and it is not there. */
async function ofSlot(
  session: Session,
  slot: string | undefined,
  source: Pick<EnvironmentDocument, 'id' | 'commit' | 'provider' | 'config'>,
): Promise<Plan['changes']> {
  if (slot === undefined) return [];
  const { slotSettings } = await import('../slot/settings.ts');
  const { bound } = await slotSettings(session, slot, source);
  if (!bound) return [];
  const found = await session.briefly(`read environment ${bound.id}`, (call) =>
    session.documents.environments.get(bound.id, call),
  );
  if (found?.document.phase === 'ready') return [];
  return [{ action: 'create', what: `environment ${bound.id}, of the same artefacts` }];
}
