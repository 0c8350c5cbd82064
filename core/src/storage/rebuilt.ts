import type { ProjectConfig } from '../config/schema.ts';
import type { OperationRun } from '../engine/operation.ts';
import { buildArtefacts, imageTag, keptImages, type BuildInput } from '../environment/build.ts';
import { discardBuilds } from '../environment/cloud-build.ts';
import { createInput } from '../environment/create.ts';
import { deployedConfig } from '../environment/deployed-config.ts';
import { forgetCommit } from '../environment/leave-nothing.ts';
import { removePushed } from '../environment/image-registry.ts';
import { artefactOwner } from '../environment/life.ts';
import { environmentSpec } from '../environment/spec.ts';
import { unmadeVolumes, volumeSpecs } from '../environment/volumes.ts';
import type { Session } from '../host/session.ts';
import { withSlotSettings } from '../slot/settings.ts';
import type { SnapshotDocument } from './documents.ts';
import type { StandIn } from './stand-in.ts';

/**
 * The services of a commit that mount a volume, and what they need, built for one operation alone.
 * @returns Undefined: by that commit's config nothing mounts it. @throws ProviderError what the repository, or a build, says.
 */
export async function rebuiltServices(
  session: Session,
  run: OperationRun,
  { name, slot }: Pick<SnapshotDocument, 'name' | 'slot'>,
  sha: string,
): Promise<StandIn | undefined> {
  const input = await createInput(session, { sha });
  const repository = await session.repository(input.repository);
  const { commit } = input;
  const resourceId = `verify-${run.id}`;
  const owner = artefactOwner(session, resourceId);
  let images: readonly string[] = [];
  let builds: readonly string[] = [];
  const pushed: string[] = [];
  let provider: ProjectConfig['provider'] | undefined;
  const release = async (): Promise<void> => {
    await session.artefacts.release(owner);
    if (provider) {
      await discardBuilds(session, resourceId, { provider, builds });
      await removePushed(session, { id: '', provider, pushed });
    }
    if (images.length > 0) {
      const docker = await session.docker();
      for (const image of images)
        await session.briefly(`remove the image of ${image}`, (call) =>
          docker.untag(imageTag(session, image, resourceId), call.signal),
        );
    }
    await forgetCommit(session, { id: '', commit: commit.sha, mirror: repository.mirror.folder });
  };
  try {
    const tree = await session.artefacts.addTree(commit.tree, owner, (folder) => repository.checkout(commit, folder));
    const deployed = await deployedConfig(session, input, await session.artefacts.folder(tree.artefact));
    const settings = slot === undefined ? undefined : deployed.slots[slot];
    const config = mounting(settings ? withSlotSettings(deployed, settings) : deployed, name);
    const volumes = volumeSpecs(session, config, resourceId);
    const mounted = volumes.find((one) => one.name === name)?.spec.id;
    if (mounted === undefined) {
      await release();
      return undefined;
    }
    await session.useSecrets(config, input.repository);
    ({ provider } = config);
    const bound = await session.bind(provider);
    const noteImages = async (): Promise<void> => {
      images = keptImages(bound, config);
      return Promise.resolve();
    };
    const noteBuild = async (service: string): Promise<void> => {
      builds = [...builds, service];
      return Promise.resolve();
    };
    const notePushed: BuildInput['notePushed'] = async (service, { reference }) => {
      images = images.filter((one) => one !== service);
      builds = builds.filter((one) => one !== service);
      pushed.push(reference);
      return Promise.resolve();
    };
    const content = { session, config, source: tree.artefact, commit: commit.sha, resourceId, owner };
    const artefacts = await buildArtefacts(run, { ...content, noteImages, noteBuild, notePushed });
    const { project, stage } = session;
    const identity = { project, stage, id: resourceId, resourceId, commit: commit.sha, incarnation: 1, hosts: [] };
    const { services } = environmentSpec(identity, config, artefacts, unmadeVolumes(volumes));
    return { services, mounted, config, release };
  } catch (error) {
    if (!run.signal.aborted) await release();
    throw error;
  }
}

/** Nothing but the services that mount the volume, and those that they need. */
function mounting(config: ProjectConfig, volume: string): ProjectConfig {
  const names = new Set(
    Object.keys(config.services).filter((name) => volume in (config.services[name]?.volumes ?? {})),
  );
  for (const name of names)
    for (const needed of Object.keys(config.services[name]?.needs ?? {}))
      if (needed in config.services) names.add(needed);
  const services = Object.fromEntries(Object.entries(config.services).filter(([name]) => names.has(name)));
  return { ...config, services, sites: {} };
}
