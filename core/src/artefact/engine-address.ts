import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ProviderError } from '../provider/error.ts';
import type { Variables } from '../source/git.ts';
import { jsonOf } from './json-file.ts';

/** Where a Docker Engine listens. `text` is for people. */
export type EngineAddress = { readonly text: string } & (
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: string; readonly tls?: TlsFiles }
  | {
      readonly kind: 'ssh';
      readonly host: string;
      readonly port: string;
      readonly user: string;
      readonly env: Variables;
    }
);
interface TlsFiles {
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}
const UNIX = 'unix://';

/** DOCKER_HOST, then the context that `docker context use` chose, then the usual sockets.
 *  @throws ProviderError `invalid`: DOCKER_HOST can't be read, or its certificates are not there. */
export async function engineAddress(env: Variables): Promise<EngineAddress> {
  const text = nonEmpty(env.DOCKER_HOST) ?? (await contextHost(env)) ?? usualSocket(env);
  if (text.startsWith(UNIX)) return { kind: 'socket', path: text.slice(UNIX.length), text };
  const url = URL.parse(text.includes('://') ? text : `tcp://${text}`);
  if (!url?.hostname) throw invalidHost(text);
  const { protocol, hostname: host, port, username } = url;
  if (protocol === 'ssh:') return { kind: 'ssh', host, port, user: decodeURIComponent(username), env, text };
  if (protocol !== 'tcp:' && protocol !== 'http:' && protocol !== 'https:') throw invalidHost(text);
  const isSecure = nonEmpty(env.DOCKER_TLS_VERIFY) !== undefined || port === '2376' || protocol === 'https:';
  if (!isSecure) return { kind: 'tcp', host, port: nonEmpty(port) ?? '2375', text };
  return { kind: 'tcp', host, port: nonEmpty(port) ?? '2376', tls: await tlsFiles(env), text };
}

function invalidHost(text: string): ProviderError {
  return new ProviderError('invalid', `DOCKER_HOST ${text} is not the address of a Docker Engine`, {
    path: 'DOCKER_HOST',
    hint: 'such as unix:///var/run/docker.sock, tcp://127.0.0.1:2375 or ssh://me@host',
  });
}

const contextSchema = z.object({ Endpoints: z.object({ docker: z.object({ Host: z.string() }) }) });

/** @see https://docs.docker.com/engine/manage-resources/contexts/ */
async function contextHost(env: Variables): Promise<string | undefined> {
  const folder = configFolder(env);
  const settings = z
    .object({ currentContext: z.string().optional() })
    .safeParse(await jsonOf(join(folder, 'config.json')));
  const name = nonEmpty(env.DOCKER_CONTEXT) ?? settings.data?.currentContext;
  if (name === undefined || name === '' || name === 'default') return undefined;
  const id = createHash('sha256').update(name).digest('hex');
  return contextSchema.safeParse(await jsonOf(join(folder, 'contexts/meta', id, 'meta.json'))).data?.Endpoints.docker
    .Host;
}

/** The system's, then those of Docker Desktop and of rootless Docker. */
function usualSocket(env: Variables): string {
  const system = '/var/run/docker.sock';
  const users = [
    env.HOME && join(env.HOME, '.docker/run/docker.sock'),
    env.XDG_RUNTIME_DIR && join(env.XDG_RUNTIME_DIR, 'docker.sock'),
  ];
  return UNIX + ([system, ...users].find((path) => path && existsSync(path)) ?? system);
}

async function tlsFiles(env: Variables): Promise<TlsFiles> {
  const folder = nonEmpty(env.DOCKER_CERT_PATH) ?? configFolder(env);
  try {
    const [ca, cert, key] = await Promise.all([
      readFile(join(folder, 'ca.pem')),
      readFile(join(folder, 'cert.pem')),
      readFile(join(folder, 'key.pem')),
    ]);
    return { ca, cert, key };
  } catch (error) {
    throw new ProviderError('invalid', `the certificates for DOCKER_HOST can't be read from ${folder}`, {
      path: 'DOCKER_CERT_PATH',
      cause: error,
    });
  }
}

/** Where Docker's own command line keeps its settings. */
export function configFolder(env: Variables): string {
  return nonEmpty(env.DOCKER_CONFIG) ?? join(env.HOME ?? '', '.docker');
}

const nonEmpty = (text: string | undefined): string | undefined => (text === '' ? undefined : text);
