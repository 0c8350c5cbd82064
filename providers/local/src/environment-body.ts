import {
  ProviderError,
  type Call,
  type EnvironmentSpec,
  type Host,
  type Secret,
  type ServiceSpec,
} from '@clusternator/core/provider';
import type { EnvironmentBody, ServiceBody, SiteBody } from './control/protocol.ts';

/** What a process inherits from whoever made its environment. Nothing else of their shell gets there. */
const INHERITED = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'LANG',
  'LANGUAGE',
  'LC_ALL',
  'LC_CTYPE',
  'TZ',
  'TMPDIR',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
] as const;

/** The environment as the daemon is told of it: artefacts as folders, secrets as values, to be sealed at once. */
export async function environmentBody(host: Host, spec: EnvironmentSpec, call: Call): Promise<EnvironmentBody> {
  const services = await valuesOf(spec.services, (service) => serviceBody(host, service, call));
  const sites = await valuesOf(spec.sites, async (site): Promise<SiteBody> => {
    const body: SiteBody = {
      digest: site.artefact.digest,
      folder: await host.folder(site.artefact, call),
      route: site.route,
      ...(site.fallback !== undefined && { fallback: site.fallback }),
    };
    return host.merge(body, site.native);
  });
  const secrets = await valuesOf(spec.services, (service) => valuesOf(service.secrets, (it) => reveal(host, it, call)));
  const base = INHERITED.flatMap((name) => {
    const value = host.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const { fingerprint, tags, hosts } = spec;
  return {
    // Those of the slot that it is made for are the slot's: they lead here only once it is promoted.
    spec: {
      fingerprint,
      tags,
      hosts: hosts.slice(0, spec.slot === undefined ? hosts.length : 1),
      services,
      sites,
      ...(spec.cache && { cache: { folders: [...spec.cache.folders], sizeMiB: spec.cache.sizeMiB } }),
    },
    sealed: { base: Object.fromEntries(base), secrets },
  };
}

async function serviceBody(host: Host, service: ServiceSpec, call: Call): Promise<ServiceBody> {
  const { artefact, command, install, installCache, workingDir, port, route, health } = service;
  const mounts = await valuesOf(service.mounts, ({ volume, readOnly }) =>
    Promise.resolve({ volume: volume.id, readOnly }),
  );
  const body: ServiceBody = {
    artefact:
      artefact.kind === 'image'
        ? artefact
        : { kind: 'files', digest: artefact.digest, folder: await host.folder(artefact, call) },
    ...(command && { command: [...command] }),
    ...(install && { install: [...install] }),
    ...(installCache && { installCache: { inputs: [...installCache.inputs], outputs: [...installCache.outputs] } }),
    workingDir: workingDir ?? '.',
    ...(port !== undefined && { port }),
    protocol: service.protocol,
    ...(route !== undefined && { route }),
    ...(health && { health }),
    env: { ...service.env },
    needs: { ...service.needs },
    mounts,
    cpus: service.cpus,
    memoryMiB: service.memoryMiB,
    instances: service.instances,
  };
  return host.merge(body, service.native);
}

function reveal(host: Host, secret: Secret, call: Call): Promise<string> {
  if (secret.reference === undefined) return host.reveal(secret, call);
  throw new ProviderError(
    'unsupported',
    `secret ${secret.name} is a reference, and this machine keeps no secrets of its own`,
  );
}

async function valuesOf<T, R>(
  record: Readonly<Record<string, T>>,
  map: (value: T) => Promise<R>,
): Promise<Record<string, R>> {
  return Object.fromEntries(
    await Promise.all(Object.entries(record).map(async ([name, value]) => [name, await map(value)] as const)),
  );
}
