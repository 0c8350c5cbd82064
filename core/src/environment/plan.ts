import type { CreateRequest } from '../host/project.ts';
import type { Session } from '../host/session.ts';
import { environmentIdOf, formatEnvironmentId } from '../names/environment-id.ts';
import type { Plan } from '../provider/resource.ts';
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
  if (found?.document.phase === 'ready') return { id, commit: commit.sha, changes: [] };
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
    return { id, commit: commit.sha, changes };
  } finally {
    await session.artefacts.release(owner);
    await forgetCommit(session, { id: '', commit: commit.sha, mirror: repository.mirror.folder });
  }
}
