import { access, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ProviderError } from '@clusternator/core/provider';

type Env = Readonly<Record<string, string | undefined>>;

/** How to reach an engine. */
export type Endpoint =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls?: TlsFiles };
export interface TlsFiles {
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * The engine that `DOCKER_HOST` names. Containers are reached over loopback, so one of another machine does not do.
 * @throws ProviderError `unsupported` (another machine, ssh), `invalid` (not an address), `not-found` (no certificates).
 * @see https://docs.docker.com/reference/cli/docker/#environment-variables
 */
export async function endpointOf(env: Env): Promise<Endpoint> {
  const address = env.DOCKER_HOST;
  if (address === undefined || address === '') return usualSocket(env);
  const path = /^(?:unix|npipe):\/\/(.*)$/.exec(address)?.[1];
  if (path !== undefined) return path === '' ? usualSocket(env) : { kind: 'socket', path };
  const url = URL.parse(address.includes('://') ? address : `tcp://${address}`);
  if (!url?.hostname) {
    throw new ProviderError('invalid', `DOCKER_HOST is not the address of an engine: ${address}`, {
      path: 'DOCKER_HOST',
      hint: 'it looks like unix:///var/run/docker.sock or tcp://localhost:2375',
    });
  }
  if (url.protocol === 'ssh:' || !LOOPBACK.test(url.hostname)) {
    throw new ProviderError(
      'unsupported',
      `the Docker Engine that DOCKER_HOST names is on another machine: ${url.host}`,
      {
        path: 'DOCKER_HOST',
        hint: 'the local provider runs containers on this machine; unset DOCKER_HOST, or point it to a local engine',
      },
    );
  }
  const secure = env.DOCKER_TLS_VERIFY === '1' || url.port === '2376' || url.protocol === 'https:';
  const port = Number(url.port || (secure ? 2376 : 2375));
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return secure ? { kind: 'tcp', host, port, tls: await certificates(env) } : { kind: 'tcp', host, port };
}

/** Docker Desktop's socket is in the user's home, an engine of the system has its own. */
async function usualSocket(env: Env): Promise<Endpoint> {
  if (process.platform === 'win32') return { kind: 'socket', path: '//./pipe/docker_engine' };
  const desktop = join(env.HOME ?? homedir(), '.docker/run/docker.sock');
  const found = await access(desktop).then(
    () => true,
    () => false,
  );
  return { kind: 'socket', path: found ? desktop : '/var/run/docker.sock' };
}

async function certificates(env: Env): Promise<TlsFiles> {
  const folder = env.DOCKER_CERT_PATH ?? join(env.HOME ?? '', '.docker');
  try {
    const [ca, cert, key] = await Promise.all(
      ['ca.pem', 'cert.pem', 'key.pem'].map((name) => readFile(join(folder, name))),
    );
    if (!ca || !cert || !key) throw new Error('unreachable: three files were asked for');
    return { ca, cert, key };
  } catch (cause) {
    throw new ProviderError('not-found', `could not read the Docker Engine's certificates in ${folder}`, {
      path: 'DOCKER_CERT_PATH',
      hint: 'it needs ca.pem, cert.pem and key.pem; or unset DOCKER_TLS_VERIFY',
      cause,
    });
  }
}
