import { createHash } from 'node:crypto';
import { isAbsolute } from 'node:path';
import type { ContainerCreateOptions, HostConfig } from 'dockerode';
import { ProviderError } from '@clusternator/core/provider';
import type { InstanceSpec, Mount, Publication } from './instance.ts';
import type { Ownership } from './labels.ts';

const MIB = 1024 * 1024;
/** The engine refuses less. @see https://docs.docker.com/engine/containers/resource_constraints/#limit-a-containers-access-to-memory */
const LEAST_MEMORY_MIB = 6;

/** @throws ProviderError `invalid`, which names no value of a variable. */
export function checkSpec(spec: InstanceSpec): void {
  const fail = (path: string, message: string, hint: string) => {
    throw new ProviderError('invalid', `service ${spec.service}: ${message}`, { path, hint });
  };
  for (const [name, value] of Object.entries(spec.env)) {
    if (!/^[^=\0]+$/.test(name))
      fail('env', `${JSON.stringify(name)} can't name a variable`, 'use letters, digits and _');
    if (value.includes('\0'))
      fail(`env.${name}`, `the value of ${name} holds a zero byte`, 'encode it, for example as base64');
  }
  for (const { target } of spec.mounts ?? []) {
    if (!isAbsolute(target))
      fail('mounts', `a volume is mounted at an absolute path, not at ${target}`, `use /${target}`);
  }
  if (spec.memoryMiB < LEAST_MEMORY_MIB) {
    fail(
      'memoryMiB',
      `${spec.memoryMiB} MiB of memory are too few`,
      `the engine wants ${LEAST_MEMORY_MIB} MiB or more`,
    );
  }
}

/**
 * What the container is made from, as a hash for its label. Of the environment only the names count in it,
 * since a hash of a secret can be guessed at: the values are compared with the container's own.
 */
export function specHash(spec: InstanceSpec): string {
  const { env, ...rest } = spec;
  const counted = JSON.stringify({ ...rest, env: Object.keys(env).sort() }, sortedKeys);
  return createHash('sha256').update(counted).digest('hex').slice(0, 32);
}

/** The engine's request. `processors`: how many it has, since it refuses more. */
export function requestOf(
  spec: InstanceSpec,
  name: string,
  ours: Ownership,
  processors: number,
): ContainerCreateOptions {
  const { publish } = spec;
  return {
    name,
    Image: spec.image,
    Env: Object.entries(spec.env).map(([key, value]) => `${key}=${value}`),
    Labels: ours.containerLabels(spec, specHash(spec), spec.tags),
    ...(spec.command ? { Cmd: [...spec.command] } : {}),
    ...(publish ? { ExposedPorts: { [portKey(publish)]: {} } } : {}),
    HostConfig: hostConfigOf(spec, processors),
    NetworkingConfig: {
      EndpointsConfig: { [spec.network]: { Aliases: [...new Set([spec.service, ...(spec.aliases ?? [])])] } },
    },
  };
}

/** `8080/tcp`, as the engine calls it. */
export function portKey({ port }: Publication): string {
  return `${port}/tcp`;
}

function hostConfigOf(spec: InstanceSpec, processors: number): HostConfig {
  const { publish, memoryMiB } = spec;
  return {
    NetworkMode: spec.network,
    // The engine starts it again, also after its own restart, so that it goes on while our daemon is away.
    RestartPolicy: { Name: 'unless-stopped' },
    NanoCpus: Math.round(Math.min(spec.cpus, processors) * 1e9),
    Memory: memoryMiB * MIB,
    // The same: no swap, so that too much memory ends the container and not the machine's speed.
    MemorySwap: memoryMiB * MIB,
    Mounts: (spec.mounts ?? []).map(mountOf),
    ExtraHosts: Object.entries(spec.hosts ?? {}).map(([host, address]) => `${host}:${address}`),
    // Without a limit, one chatty service fills the disk.
    LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
    ...(publish ? { PortBindings: { [portKey(publish)]: [bindingOf(publish)] } } : {}),
  };
}

function bindingOf({ address = '127.0.0.1', hostPort }: Publication): { HostIp: string; HostPort: string } {
  return { HostIp: address, HostPort: hostPort === undefined ? '' : String(hostPort) };
}

function mountOf(mount: Mount): NonNullable<HostConfig['Mounts']>[number] {
  const { target: Target, readOnly: ReadOnly } = mount;
  return mount.kind === 'folder'
    ? { Type: 'bind', Source: mount.source, Target, ReadOnly }
    : { Type: 'volume', Source: mount.volume, Target, ReadOnly };
}

function sortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}
