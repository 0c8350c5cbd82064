import { ProviderError } from '@clusternator/core/provider';
import type { InstancesBody } from '../control/protocol.ts';
import type { EnvironmentRecord, LocalDatabase } from './database.ts';

/** An environment, as far as it holds volumes. */
interface Holder {
  readonly id: string;
  /** By service: which, and by how many instances. */
  readonly held: readonly { readonly volume: string; readonly service: string; readonly instances: number }[];
}

/**
 * What is wanted to run holds what it mounts, and so does what still runs: of one that failed or goes, of a service that is scaled to none.
 * @param about - To be its instances, if not those it has.
 */
export function holderOf(
  { id, key, phase, spec }: EnvironmentRecord,
  database: Pick<LocalDatabase, 'instances'>,
  about: Readonly<Record<string, InstancesBody>> = {},
  running: ReadonlySet<string> = new Set(),
): Holder {
  const isWanted = phase === 'creating' || phase === 'active';
  const held = Object.entries(spec.services).flatMap(([service, { mounts, ...own }]) => {
    const { max } = about[service] ?? database.instances(key, service) ?? own.instances;
    const instances = Math.max(isWanted ? max : 0, running.has(service) ? 1 : 0);
    const volumes = new Set(Object.values(mounts).map(({ volume }) => volume));
    return instances === 0 ? [] : [...volumes].map((volume) => ({ volume, service, instances }));
  });
  return { id, held };
}

/**
 * A disk is mounted by one instance at a time. Of another environment that has none running, it may be taken.
 * @param isDisk - Whether a volume is one.
 * @throws ProviderError `conflict`, which names who has it.
 */
export function assertMayHold(holder: Holder, others: readonly Holder[], isDisk: (volume: string) => boolean): void {
  const taken = others.flatMap((other) => other.held.map(({ volume, service }) => ({ volume, service, other })));
  const own = new Map<string, string>();
  for (const { volume, service, instances } of holder.held) {
    if (!isDisk(volume)) continue;
    const has = taken.find((it) => it.volume === volume);
    if (has) throw refusal(volume, `held by environment ${has.other.id}, for its service ${has.service}`);
    const twin = own.get(volume);
    if (twin !== undefined) throw refusal(volume, `asked for by two services of ${holder.id}, ${twin} and ${service}`);
    if (instances > 1) throw refusal(volume, `asked for by ${String(instances)} instances of service ${service}`);
    own.set(volume, service);
  }
}

function refusal(volume: string, by: string): ProviderError {
  return new ProviderError(
    'conflict',
    `volume ${volume} is a disk, which one instance at a time may hold: it is ${by}`,
    {
      effect: 'none',
      retry: 'never',
      hint: 'destroy that environment or scale that service to none first, or make the volume of kind `files`',
    },
  );
}
