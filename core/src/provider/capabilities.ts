import type { VolumeSpec } from '../storage/storage.ts';

/** What a yes promises, and the unit of its limit. One that is left out is a no. */
export const CAPABILITIES = {
  'environments.images': 'Services that run an image. Limit: environments.',
  'environments.processes': 'Services that run a command in a source tree. Limit: environments.',
  'environments.sites': 'Static sites. Limit: environments.',
  'environments.paths': 'Several public parts under one host name, told apart by path.',
  'environments.private': 'Services without a route, found by those that need them. Limit: services of an environment.',
  'environments.tcp': 'Services that speak another protocol than HTTP.',
  'environments.instances': 'More than one instance of a service. Limit: instances.',
  'environments.scale': 'The instances of one service change, also to none and back, while the other services run on.',
  'environments.address': 'An environment has an address of its own, which a DNS record can hold.',
  'environments.traffic': 'Health tells when a request was last seen.',
  'environments.logHistory': 'Logs outlive their environment. A no: core collects them. Limit: days.',
  'environments.exec': 'A command runs inside a service.',
  'slots.router': 'A slot has a stable address, and traffic moves behind it.',
  'slots.shared':
    'A slot takes any environment. A no: only one made for it, so core makes `<commit>@<slot>` before each promotion.',
  'slots.atomic': 'All public parts of a slot move in one step.',
  'slots.compareAndSet': 'Of two routings from one reading, one fails. A no: core reads before and after, with a gap.',
  'slots.weights': 'Traffic splits between two environments. Limit: the smallest step in percent.',
  'slots.hosts': "Host names outside the project's domain, with certificates. Limit: names of a slot.",
  'slots.webSockets': 'WebSockets to a former head are closed with 1012, spread over the drain time.',
  'storage.files': 'Volumes that many instances mount. Limit: GiB.',
  'storage.disks': 'Volumes that one instance at a time mounts. Limit: GiB.',
  'storage.databases': 'Managed databases; the note lists engines. Limit: GiB.',
  'storage.snapshots': 'Snapshots, and volumes made from them.',
  'storage.durableSnapshots': "Snapshots outlive their volume. A no: a volume that has some can't be destroyed.",
  'storage.clone': 'Volumes made from volumes. A no: core takes a snapshot in between.',
  'storage.pointInTime': "Volumes made from another volume's past. Limit: days.",
  'storage.dumps': 'A stream of bytes, such as what a dump command writes, is kept as a snapshot.',
  'storage.checksums': 'Snapshots are compared with what was written, so that a damaged one is found.',
  'storage.grow': 'A volume grows while it is mounted.',
  'images.build': 'The cloud builds images; the note lists its builders.',
  'dns.atomic': 'The changes of one call happen all or not at all. Limit: record sets a call.',
  'dns.compareAndSet':
    'A change fails when the record set is not the expected one. A no: core reads before and after, with a gap.',
  'dns.alias': 'ALIAS record sets.',
  'dns.zones': "Zones are made, for a project's domain that is in none.",
} as const;
/** One of `CAPABILITIES`. */
export type CapabilityName = keyof typeof CAPABILITIES;
/** By name. */
export type Capabilities = Readonly<Partial<Record<CapabilityName, Capability>>>;
/** What goes with a yes. */
export interface CapabilityDetail {
  readonly limit?: number;
  readonly note?: string;
  /** Of volumes: the kinds that it holds for. Left out: for all. */
  readonly kinds?: readonly VolumeSpec['kind'][];
  /** Of `images.build`: what a config's `build.on` may say. */
  readonly builders?: readonly string[];
}
/** A no gives its reason, which `config validate` and the kit's report print. */
export type Capability = ({ readonly can: 'yes' } & CapabilityDetail) | { readonly can: 'no'; readonly note: string };
/** A capability that the provider has. */
export const yes = (detail: CapabilityDetail = {}): Capability => ({ can: 'yes', ...detail });
/** A capability that the provider lacks. */
export const no = (note: string): Capability => ({ can: 'no', note });

/** Whether a provider has it for volumes of a kind. */
export function canFor(capabilities: Capabilities, name: CapabilityName, kind: VolumeSpec['kind']): boolean {
  const capability = capabilities[name];
  return capability?.can === 'yes' && (capability.kinds?.includes(kind) ?? true);
}
