import type { ProjectConfig } from '../config/schema.ts';
import { pollUntilSettled } from '../engine/poll.ts';
import type { Session } from '../host/session.ts';
import { fingerprint } from '../names/fingerprint.ts';
import type { Owner } from '../names/owner.ts';
import { tagsFor } from '../names/tags.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import type { StorageDriver, Volume, VolumeSpec } from '../storage/storage.ts';

/** A volume of the config as its provider is asked for it. */
export interface NamedVolume {
  readonly name: string;
  readonly spec: VolumeSpec;
  /** It goes when its environment does. */
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
      const id = ofSlot ? `slot-${slot}-${name}` : isShared ? `project-${name}` : `${resourceId}-${name}`;
      const content = {
        id,
        kind: volume.kind,
        sizeGiB: volume.sizeGiB,
        ...(volume.engine && { engine: volume.engine }),
        ...(volume.native && { native: volume.native }),
      };
      const print = fingerprint(content);
      const tags = tagsFor(owner, { type: 'volume', id, fingerprint: print, tags: { volume: name } });
      return {
        name,
        spec: { ...content, fingerprint: print, tags },
        isOwn: !isShared && volume.onDestroy === 'delete',
      };
    });
}

/** Asks for a volume until it is there. @throws ProviderError what the provider says, and `unavailable` when it failed. */
export async function makeVolume(
  session: Session,
  driver: StorageDriver,
  spec: VolumeSpec,
  call: Call,
): Promise<Volume> {
  const doing = `make volume ${spec.id}`;
  const made = await pollUntilSettled(() => driver.volumes.ensure(spec, call), { clock: session.clock, call, doing });
  if (made.phase !== 'active') {
    throw new ProviderError('unavailable', `volume ${spec.id}: ${made.message ?? `it is ${made.phase}`}`);
  }
  return made;
}
