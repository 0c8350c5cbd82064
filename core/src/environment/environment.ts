import type { FilesArtefact, ImageArtefact } from '../artefact/artefact.ts';
import type { RecordSet } from '../dns/dns.ts';
import type { NativeSettings, Phase, Resource, ResourceDriver, ResourceSpec } from '../provider/resource.ts';
import type { Call } from '../provider/host.ts';
import type { Secret } from '../provider/secret.ts';
import type { Volume } from '../storage/storage.ts';

/** An environment is made once and never changes. */
export interface EnvironmentSpec extends ResourceSpec {
  /** The slot that it is made for, where it is made for one. */
  readonly slot?: string;
  /** Names to answer for: its own under the project's domain, then those of `slot`. */
  readonly hosts: readonly string[];
  /** In the order in which they start. */
  readonly services: Readonly<Record<string, ServiceSpec>>;
  readonly sites: Readonly<Record<string, SiteSpec>>;
  /** Folders of a source tree, relative to its top, that `install` may find as an earlier one of the project left them. A provider that installs
   *  anew each time may leave it out of account. `sizeMiB`: of these folders and of what installs made, all together. No part of the fingerprint. */
  readonly cache?: { readonly folders: readonly string[]; readonly sizeMiB: number };
}
/** A part that runs. */
export interface ServiceSpec {
  readonly artefact: ImageArtefact | FilesArtefact;
  /** Arguments, not a shell line. There is one wherever the artefact is a source tree, and `install` may run once before it. */
  readonly command?: readonly string[];
  readonly install?: readonly string[];
  /**
   * Of `install`: while these files of the source tree are the same, so are the folders that it makes, and it need not run again. Paths are
   * relative to the tree. A provider that installs anew each time may leave it out of account.
   */
  readonly installCache?: { readonly inputs: readonly string[]; readonly outputs: readonly string[] };
  /** Of a source tree: the folder that the command runs in, relative to the tree. Left out: its top. `install` runs at the top. */
  readonly workingDir?: string;
  /** Where it listens, and what it speaks there. Without a port nothing connects to it. */
  readonly port?: number;
  readonly protocol: 'http' | 'tcp';
  /** Its path prefix under the environment's hosts. Without one it is private. */
  readonly route?: string;
  readonly health?: HealthCheck;
  /** By environment variable. */
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, Secret>>;
  /** Services to be active before this one starts, each with the variable to set to the host where it answers at its `port`. */
  readonly needs: Readonly<Record<string, string>>;
  /** By path in the service. The volumes are of the same provider. */
  readonly mounts: Readonly<Record<string, { readonly volume: Volume; readonly readOnly: boolean }>>;
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly instances: Instances;
  readonly native?: NativeSettings;
}
/** A part that is served from files. `fallback` is the file that answers unknown paths with 200. */
export interface SiteSpec {
  readonly artefact: FilesArtefact;
  readonly route: string;
  readonly fallback?: string;
  readonly native?: NativeSettings;
}
/** Equal, unless the cloud scales by itself in between. */
export interface Instances {
  readonly min: number;
  readonly max: number;
}
/** Passed when GETs of `path` answer with a status from `statusFrom` to `statusTo`, `healthyAfter` times in a row, `withinSeconds` of the start. */
export interface HealthCheck {
  readonly path: string;
  readonly statusFrom: number;
  readonly statusTo: number;
  readonly everySeconds: number;
  readonly withinSeconds: number;
  readonly healthyAfter: number;
}
/** One running copy of a project at one commit. */
export interface Environment extends Resource {
  /** Left out: https at the first of the spec's hosts. */
  readonly url?: string;
  /** With `environments.address`: what a DNS record must hold. */
  readonly address?: { readonly type: 'A' | 'AAAA' | 'CNAME'; readonly value: string };
  /** What its own names need in the DNS, also while it is `creating`. Left out: they lead to it by the foundation's records, or by none. */
  readonly records?: readonly RecordSet[];
  /** Services and sites by name. */
  readonly parts: Readonly<Record<string, Part>>;
}
/** `url` left out: the environment's, with the part's route. `digest` is of what runs, where the cloud tells. */
export interface Part {
  readonly phase: Phase;
  readonly url?: string;
  readonly digest?: string;
  readonly message?: string;
}
/** What the cloud sees at `observedAt`; `lastRequestAt` with `environments.traffic`: while a request is being answered, or a WebSocket is open, now. */
export interface Health {
  /** Each part passed its check or, where instances start on demand, can start one. None running, or not knowing, is not healthy. */
  readonly healthy: boolean;
  readonly parts: Readonly<
    Record<string, { readonly healthy: boolean; readonly instances?: number; readonly message?: string }>
  >;
  readonly observedAt: Date;
  readonly lastRequestAt?: Date;
}
/** `after` is the `LogLine.cursor` to go on from. */
export interface LogQuery {
  readonly services?: readonly string[];
  readonly since?: Date;
  readonly after?: string;
  readonly follow: boolean;
}
/** One line of one instance. */
export interface LogLine {
  readonly at: Date;
  readonly service: string;
  readonly instance: string;
  readonly text: string;
  readonly cursor: string;
}
/** A terminal's size makes it interactive. */
export interface ExecRequest {
  readonly service: string;
  readonly command: readonly string[];
  readonly terminal?: { columns: number; rows: number };
}
/** A command that runs inside a service. */
export interface ExecSession {
  readonly output: AsyncIterable<Uint8Array>;
  readonly exitCode: Promise<number>;
  write(input: Uint8Array): Promise<void>;
  end(): Promise<void>;
  /** There, when the command got the terminal that was asked for. Without it, keys are not to be sent raw. */
  resize?(columns: number, rows: number): Promise<void>;
}
/** Runs environments. */
export interface EnvironmentDriver extends ResourceDriver<EnvironmentSpec, Environment> {
  /** Core adds a request of its own to each public part, and trusts neither alone. @throws `not-found`. */
  health(environment: Environment, call: Call): Promise<Health>;
  /** Oldest first. Ends with the environment or, unless it follows, with the newest line. @throws `not-found`. */
  logs(environment: Environment, query: LogQuery, call: Call): AsyncIterable<LogLine>;
  /** With `environments.scale`: the named services only. Returns once accepted. One that is scaled to none reads as `stopped` once nothing
   *  of it runs: only then it holds its volumes no more. @throws `not-found`, `quota`, `conflict` (another holds a disk that it mounts). */
  scale?(environment: Environment, instances: Readonly<Record<string, Instances>>, call: Call): Promise<void>;
  /** With `environments.exec`. @throws `not-found`, `conflict` (no instance runs). */
  exec?(environment: Environment, request: ExecRequest, call: Call): Promise<ExecSession>;
}
