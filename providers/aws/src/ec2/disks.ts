import path from 'node:path';
import type { Problem, ServiceSpec } from '@clusternator/core/provider';

/** Devices from /dev/sdf on are free for volumes. @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/device_naming.html */
const MOST = 10;

/** A machine that takes a disk over boots first, for a minute or two, and then installs. Core waits for it as long as `health.within` says. */
const LEAST_SECONDS = 180;

/** A disk as the program of a machine mounts it. */
export interface MountedDisk {
  /** The id of its EBS volume. */
  readonly volume: string;
  readonly zone: string;
  /** Below the source tree. */
  readonly path: string;
  readonly readOnly: boolean;
}

/** What a service mounts, in the order of its paths. */
export function disksOf({ mounts }: Pick<ServiceSpec, 'mounts'>): readonly MountedDisk[] {
  return Object.entries(mounts)
    .map(([at, { volume, readOnly }]) => ({
      volume: volume.handle.volumeId ?? '',
      zone: volume.handle.zone ?? '',
      path: belowSource(at),
      readOnly,
    }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** What a machine can't mount, and what EBS attaches to nobody. Pure. */
export function diskProblems(services: Readonly<Record<string, ServiceSpec>>): readonly Problem[] {
  const holders = new Map<string, string>();
  return Object.entries(services).flatMap(([name, service]) => {
    const problems = [...problemsOfMounts(name, service), ...problemsOfService(name, service)];
    for (const { volume } of Object.values(service.mounts)) {
      const other = holders.get(volume.id);
      holders.set(volume.id, name);
      if (other === undefined) continue;
      const twice = other === name ? 'twice by it' : `by ${other} too, on a machine of its own`;
      problems.push(problemAt(name, `the disk ${volume.id} is mounted ${twice}: it is attached to one machine, once`));
    }
    return problems;
  });
}

function problemsOfMounts(name: string, { mounts }: ServiceSpec): readonly Problem[] {
  return Object.entries(mounts).flatMap(([at, { volume }]) => {
    if (volume.kind !== 'disk')
      return [problemAt(name, `machines mount disks alone: take kind: disk for ${volume.id}, or give it an image`)];
    const place = belowSource(at);
    const isInside = place !== '.' && place !== '..' && !place.startsWith('../');
    return isInside ? [] : [problemAt(name, `a disk is mounted below the source tree, not at ${at}`)];
  });
}

function problemsOfService(name: string, service: ServiceSpec): Problem[] {
  const disks = disksOf(service);
  if (disks.length === 0) return [];
  const problems: Problem[] = [];
  if (service.instances.max > 1) {
    const message = `an EBS volume is attached to one machine at a time, and ${String(service.instances.max)} may run: take instances: 1`;
    problems.push(problemAt(name, message));
  }
  if (disks.length > MOST)
    problems.push(problemAt(name, `a machine takes ${String(MOST)} disks, and it has ${String(disks.length)}`));
  const seconds = service.health?.withinSeconds ?? 0;
  if (seconds < LEAST_SECONDS) {
    const message = `a machine boots before it has the disk, and ${String(seconds)} s is too short for that: take health: { within: 5m }`;
    problems.push({ path: `services.${name}.health.within`, message });
  }
  const zones = new Set(disks.map(({ zone }) => zone));
  if (zones.size > 1) {
    const message = `its disks are in ${[...zones].join(' and ')}, and a machine is in one zone: restore one from a snapshot, which makes it where machines are`;
    problems.push(problemAt(name, message));
  }
  return problems;
}

function problemAt(name: string, message: string): Problem {
  return { path: `services.${name}.volumes`, capability: 'storage.disks', message };
}

/** Of a process a mount is a place in its source tree, whether or not its path begins at the top. */
function belowSource(at: string): string {
  return path.posix.normalize(at.replace(/^\/+/, '')).replace(/(?<=.)\/$/, '');
}
