import type { ProjectConfig } from '../config/schema.ts';
import type { EnvironmentSpec } from '../environment/environment.ts';
import type { Session } from '../host/session.ts';
import type { EnvironmentDocument } from '../state/documents.ts';

/** A volume of a slot that one environment at a time holds. */
export interface SlotDisk {
  readonly id: string;
  /** The environment that may mount it. */
  readonly holder?: string;
}

/** Whether what is made for a slot by this config holds a disk of the slot, which then goes from one head to the next. */
export function hasSlotDisks({ volumes }: Pick<ProjectConfig, 'volumes'>): boolean {
  return Object.values(volumes).some(({ kind, scope }) => kind === 'disk' && scope === 'slot');
}

/** The slot's disks that an environment holds when it is the head. One that is not made yet: by its config. */
export async function slotDisks(
  session: Session,
  slot: string,
  { spec, config }: Pick<EnvironmentDocument, 'spec' | 'config'>,
): Promise<readonly SlotDisk[]> {
  const ids = spec ? mountedDisks(spec) : await disksToMount(session, slot, config);
  if (ids.length === 0) return [];
  const found = await session.briefly(`read the volumes of ${slot}`, (call) =>
    Promise.all(ids.map((id) => session.documents.volumes.get(id, call))),
  );
  return found.flatMap((one) => {
    if (one?.document.scope !== 'slot' || one.document.slot !== slot) return [];
    const { id, holder } = one.document;
    return [{ id, ...(holder !== undefined && { holder }) }];
  });
}

/** Whether an environment that is made has a disk mounted. */
export function mountsDisk({ spec }: Pick<EnvironmentDocument, 'spec'>): boolean {
  return spec !== undefined && mountedDisks(spec).length > 0;
}

/** Names of the services that have one of these volumes mounted. */
export function servicesOn({ services }: Pick<EnvironmentSpec, 'services'>, volumes: readonly string[]): string[] {
  return Object.entries(services)
    .filter(([, { mounts }]) => Object.values(mounts).some(({ volume }) => volumes.includes(volume.id)))
    .map(([name]) => name);
}

function mountedDisks({ services }: EnvironmentSpec): readonly string[] {
  const mounts = Object.values(services).flatMap((service) => Object.values(service.mounts));
  return [...new Set(mounts.filter(({ volume }) => volume.kind === 'disk').map(({ volume }) => volume.id))];
}

async function disksToMount(
  session: Session,
  slot: string,
  config: ProjectConfig | undefined,
): Promise<readonly string[]> {
  if (!config || !hasSlotDisks(config)) return [];
  const [{ volumeSpecs }, { currentId }] = await Promise.all([
    import('../environment/volumes.ts'),
    import('../storage/volumes.ts'),
  ]);
  const wanted = volumeSpecs(session, config, '', slot).filter(
    ({ config: { kind, scope } }) => kind === 'disk' && scope === 'slot',
  );
  return Promise.all(wanted.map(({ spec }) => currentId(session, spec.id)));
}
