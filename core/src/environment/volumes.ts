import type { ProjectConfig } from '../config/schema.ts';
import type { VolumeConfig } from '../config/volume.ts';
import { fingerprint } from '../names/fingerprint.ts';
import type { Owner } from '../names/owner.ts';
import { tagsFor } from '../names/tags.ts';
import type { Volume, VolumeSpec } from '../storage/storage.ts';
import { placeId } from '../storage/volume-ids.ts';

/** A volume of the config as its provider is asked for it. */
export interface NamedVolume {
  readonly name: string;
  /** Of the first volume at its place: another one may have been swapped in since. */
  readonly spec: VolumeSpec;
  readonly config: VolumeConfig;
  /** It is its environment's alone. */
  readonly isOwn: boolean;
}

/**
 * The volumes that an environment uses. One of the scope `slot` is the environment's own unless it is made for a slot: what runs beside the
 * slot must not write into its data.
 * @param slot - Whose own environment it is.
 */
export function volumeSpecs(
  owner: Owner,
  config: ProjectConfig,
  resourceId: string,
  slot?: string,
): readonly NamedVolume[] {
  const used = new Set(
    Object.values(config.services).flatMap((service) => [
      ...Object.keys(service.volumes),
      ...Object.keys(service.needs).filter((name) => name in config.volumes),
    ]),
  );
  return Object.entries(config.volumes)
    .filter(([name]) => used.has(name))
    .map(([name, volume]) => {
      const ofSlot = volume.scope === 'slot' && slot !== undefined;
      const isShared = volume.scope === 'project' || ofSlot;
      const id = placeId(
        name,
        ofSlot ? { scope: 'slot', slot } : isShared ? { scope: 'project' } : { scope: 'env', resource: resourceId },
      );
      const content = {
        id,
        kind: volume.kind,
        sizeGiB: volume.sizeGiB,
        ...(volume.engine && { engine: volume.engine }),
        ...(volume.native && { native: volume.native }),
      };
      const print = fingerprint(content);
      const scope = ofSlot ? 'slot' : isShared ? 'project' : 'env';
      const details = {
        volume: name,
        scope,
        ...(ofSlot && { slot }),
        ...(!isShared && { life: resourceId }),
        ...(volume.engine && { engine: `${volume.engine.name}:${volume.engine.version}` }),
        ondestroy: scope === volume.scope ? volume.onDestroy : 'delete',
        slotdata: String(ofSlot),
      };
      const tags = tagsFor(owner, { type: 'volume', id, fingerprint: print, tags: details });
      return {
        name,
        spec: { ...content, fingerprint: print, tags },
        config: volume,
        isOwn: !isShared,
      };
    });
}

/** Volumes as a spec of their environment needs them before they are there. */
export function unmadeVolumes(volumes: readonly NamedVolume[]): Record<string, Volume> {
  return Object.fromEntries(
    volumes.map(({ name, spec: { id, kind, sizeGiB } }) => [
      name,
      { id, phase: 'creating', handle: {}, kind, sizeGiB },
    ]),
  );
}
