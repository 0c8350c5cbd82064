import type { FilesArtefact, ImageArtefact } from '../artefact/artefact.ts';
import type { ProjectConfig } from '../config/schema.ts';
import type { BoundProvider } from '../host/drivers.ts';
import { environmentIdOf, environmentResourceId, formatEnvironmentId } from '../names/environment-id.ts';
import type { Owner } from '../names/owner.ts';
import type { Problem, ProjectSpec } from '../provider/provider.ts';
import { mechanismOf, slotSpec } from '../slot/settings.ts';
import { imageServices } from './build.ts';
import { environmentSpec, type Artefacts } from './spec.ts';
import { unmadeVolumes, volumeSpecs } from './volumes.ts';

/** Of what is not built yet. */
const IMAGE: ImageArtefact = { kind: 'image', reference: `unbuilt@sha256:${'0'.repeat(64)}` };
const FILES: FilesArtefact = { kind: 'files', digest: `sha256:${'0'.repeat(64)}`, bytes: 0 };
const COMMIT = '0'.repeat(40);

/** What a provider itself says against a config, beyond its capabilities. */
export function checkedByProvider(owner: Owner, config: ProjectConfig, bound: BoundProvider): readonly Problem[] {
  return bound.provider.check?.(projectSpec(owner, config, bound), bound.config) ?? [];
}

/** A project as its config describes it, of a commit that is not built. */
function projectSpec(owner: Owner, config: ProjectConfig, bound: BoundProvider): ProjectSpec {
  const id = environmentIdOf(COMMIT);
  const resourceId = environmentResourceId({ id, incarnation: 1 });
  const volumes = volumeSpecs(owner, config, resourceId);
  const environment = environmentSpec(
    { ...owner, id: formatEnvironmentId(id), resourceId, commit: COMMIT, incarnation: 1, hosts: [] },
    config,
    unbuilt(config),
    unmadeVolumes(volumes),
  );
  const domain = bound.provider.domain ?? config.domain;
  const slots = Object.entries(config.slots).map(([name, slot]) => {
    const mechanism = mechanismOf(slot, bound);
    return slotSpec(owner, name, { slot, mechanism, ...(domain !== undefined && { domain }) }, [{ spec: environment }]);
  });
  return { environment, slots, volumes: volumes.map(({ spec }) => spec) };
}

function unbuilt(config: ProjectConfig): Artefacts {
  const images = new Set(imageServices(config));
  return {
    services: Object.fromEntries(Object.keys(config.services).map((name) => [name, images.has(name) ? IMAGE : FILES])),
    sites: Object.fromEntries(Object.keys(config.sites).map((name) => [name, FILES])),
  };
}
