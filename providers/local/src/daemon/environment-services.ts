import path from 'node:path';
import type { BuildCache } from '@clusternator/core/cache';
import { ProviderError } from '@clusternator/core/provider';
import type { ContainerRuntime } from '../containers/runtime.ts';
import type { Mount } from '../containers/instance.ts';
import type { Sealed, ServiceBody } from '../control/protocol.ts';
import { ContainerService } from './container-service.ts';
import type { EnvironmentRecord, LocalDatabase } from './database.ts';
import type { EnvironmentLog } from './environment-log.ts';
import type { PortPool } from './port-pool.ts';
import { ProcessService } from './process-service.ts';
import { bootId } from './process-table.ts';
import type { RunningService, ServiceContext } from './service.ts';
import type { Volumes } from './storage/volumes.ts';

export interface ServiceDeps {
  readonly database: LocalDatabase;
  readonly runtime: ContainerRuntime;
  readonly volumes: Volumes;
  readonly ports: PortPool;
  readonly caches: BuildCache;
  /** Of the environment. */
  readonly folder: string;
  readonly markerPrefix: string;
  readonly url: string;
  readonly log: EnvironmentLog;
  readonly sealed: Sealed;
  readonly onChange: () => void;
}

/** Put on whatever is made on the Docker Engine for an environment, so that all of it is found again. */
export const KEY_TAG = 'clusternator_key';

/** Runs one service of an environment, by the kind of its artefact. */
export function makeService(record: EnvironmentRecord, name: string, deps: ServiceDeps): RunningService {
  const spec = record.spec.services[name];
  if (!spec) throw new Error(`no service ${name}`);
  const context: ServiceContext = {
    key: record.key,
    name,
    spec,
    instances: (deps.database.instances(record.key, name) ?? spec.instances).max,
    address: record.address,
    host: record.spec.hosts[0] ?? record.address,
    env: variablesOf(record, name, spec, deps),
    log: deps.log,
    onChange: deps.onChange,
  };
  return spec.artefact.kind === 'image'
    ? containerService(record, context, deps)
    : processService(record, context, deps);
}

/** Its own variables, and where to find what it needs. */
export function variablesOf(
  record: EnvironmentRecord,
  name: string,
  spec: ServiceBody,
  { sealed, url }: Pick<ServiceDeps, 'sealed' | 'url'>,
): Readonly<Record<string, string>> {
  const isContainer = spec.artefact.kind === 'image';
  const needs = Object.entries(spec.needs).filter(([, variable]) => variable !== '');
  return {
    ...(isContainer ? {} : sealed.base),
    CLUSTERNATOR_URL: url,
    ...spec.env,
    ...sealed.secrets[name],
    // Containers find each other, and what their network's gateway leads to, by name; processes by the environment's address.
    ...Object.fromEntries(needs.map(([needed, variable]) => [variable, isContainer ? needed : record.address])),
  };
}

function processService(record: EnvironmentRecord, context: ServiceContext, deps: ServiceDeps): RunningService {
  const { caches, database, volumes, ports } = deps;
  const { cache } = record.spec;
  return new ProcessService({
    context,
    tree: path.join(deps.folder, 'services', context.name),
    markerPrefix: deps.markerPrefix,
    ...(cache && { cache: { ...cache, store: caches, owner: `${record.project}/${record.stage}` } }),
    isPrepared: () => database.isPrepared(record.key, context.name),
    setPrepared: () => {
      database.setPrepared(record.key, context.name);
    },
    volumeFolders: async () => {
      const mounts = Object.entries(context.spec.mounts);
      const folders = await Promise.all(mounts.map(([, mount]) => volumes.folderOf(record, mount.volume)));
      return Object.fromEntries(mounts.map(([mountPath], i) => [mountPath, folders[i] ?? '']));
    },
    reservePort: () => ports.reserve(),
    releasePort: (port) => {
      ports.release(port);
    },
    onSpawn: ({ pid, startTicks }) => {
      database.addProcess({ pid, startTicks, boot: bootId(), environment: record.key });
    },
    onGone: (pid) => {
      database.removeProcess(pid);
    },
  });
}

function containerService(record: EnvironmentRecord, context: ServiceContext, deps: ServiceDeps): RunningService {
  const { runtime, volumes } = deps;
  const tags = { ...record.spec.tags, [KEY_TAG]: record.key };
  return new ContainerService({
    context,
    runtime,
    tags,
    network: async (signal) => {
      const network = await runtime.ensureNetwork({ environment: record.key, tags }, signal);
      const processes = Object.keys(context.spec.needs).filter((needed) => isProcess(record, needed));
      return { name: network.name, hosts: Object.fromEntries(processes.map((needed) => [needed, network.gateway])) };
    },
    mounts: async () => {
      const all = Object.values(record.spec.services).filter((service) => service.artefact.kind === 'files');
      const byProcesses = new Set(all.flatMap((service) => Object.values(service.mounts).map((mount) => mount.volume)));
      const mounts = Object.entries(context.spec.mounts).map(async ([target, { volume, readOnly }]): Promise<Mount> => {
        const source = await volumes.mountOf(record, volume, !byProcesses.has(volume), new AbortController().signal);
        return { ...source, target, readOnly };
      });
      return Promise.all(mounts);
    },
  });
}

/** Whether a service is a process of this machine. */
export function isProcess(record: EnvironmentRecord, service: string): boolean {
  return record.spec.services[service]?.artefact.kind === 'files';
}

/**
 * Where a service's port is opened: at the environment's address and, when a container needs a process, at the containers' gateway.
 */
export async function addressesOf(
  record: EnvironmentRecord,
  service: string,
  runtime: ContainerRuntime,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const isNeeded = Object.values(record.spec.services).some(
    (other) => other.artefact.kind === 'image' && service in other.needs,
  );
  if (!isNeeded || !isProcess(record, service)) return [record.address];
  const tags = { ...record.spec.tags, [KEY_TAG]: record.key };
  const { gateway } = await runtime.ensureNetwork({ environment: record.key, tags }, signal);
  return [record.address, gateway];
}

/** @throws ProviderError `invalid` when a service needs one that is not there. */
export function assertNeedsExist(services: Readonly<Record<string, ServiceBody>>): void {
  for (const [name, service] of Object.entries(services)) {
    for (const needed of Object.keys(service.needs)) {
      if (needed in services) continue;
      throw new ProviderError('invalid', `service ${name} needs ${needed}, which is not there`, {
        path: `services.${name}.needs.${needed}`,
      });
    }
  }
}
