import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { z } from 'zod';
import { ProviderError } from '../provider/error.ts';
import { cancelled } from '../source/git.ts';
import type { Variables } from '../source/git.ts';
import type { EngineImages } from './engine-images.ts';
import { systemError } from './files.ts';
import { jsonOf } from './json-file.ts';

/** An engine that answers, and what it told of itself. */
export interface DockerEngine {
  readonly docker: Docker;
  /** The builder that its own command line would use. */
  readonly builder: 'classic' | 'buildkit';
}
interface Address {
  readonly socketPath?: string;
  readonly url?: string;
  /** As told to people. */
  readonly text: string;
}
const HINT =
  'start Docker (Docker Desktop, Colima, or the docker service), or set DOCKER_HOST to where an engine listens';
const ANSWER_MILLISECONDS = 10_000;

/** Finds the Docker Engine as Docker's own command line does: DOCKER_HOST, the current context, the usual sockets; and asks whether it
 *  is there. Nothing of Docker is loaded before. @throws ProviderError `unavailable`, `denied` (its socket is another user's). */
export async function connectDocker(env: Variables, signal: AbortSignal): Promise<DockerEngine> {
  const address = await addressOf(env);
  const { default: Dockerode } = await import('dockerode');
  const docker = new Dockerode(await optionsOf(address, env));
  try {
    const builder = await withinTime(pingBuilder(docker, signal));
    return {
      docker,
      builder: env.DOCKER_BUILDKIT === undefined ? builder : env.DOCKER_BUILDKIT === '0' ? 'classic' : 'buildkit',
    };
  } catch (error) {
    if (signal.aborted) throw cancelled(signal, 'ask the Docker Engine');
    throw connectError(error, address);
  }
}

/** What the engine answered, as an error that can be acted on. */
export function dockerError(error: unknown, doing: string): unknown {
  if (ProviderError.is(error)) return error;
  const answer = answerSchema.safeParse(error).data;
  const detail = { cause: error };
  if (answer?.statusCode === undefined) {
    const known = systemError(error);
    if (!known) return error;
    return new ProviderError('unavailable', `could not ${doing}: the Docker Engine does not answer: ${known.message}`, {
      ...detail,
      hint: HINT,
    });
  }
  const said = answer.json?.message ?? answer.message.replace(/^\(HTTP code \d+\) .*? - /, '').trim();
  const message = `could not ${doing}: ${said}`;
  if (message.includes('no space left on device')) {
    return new ProviderError('quota', message, {
      ...detail,
      hint: 'free some disk space, for example with: docker system prune',
    });
  }
  if (answer.statusCode === 404) return new ProviderError('not-found', message, detail);
  if (answer.statusCode === 409) return new ProviderError('conflict', message, { ...detail, effect: 'none' });
  if (answer.statusCode === 401 || answer.statusCode === 403) return new ProviderError('denied', message, detail);
  if (answer.statusCode === 400) return new ProviderError('invalid', message, detail);
  return new ProviderError('internal', message, detail);
}

const answerSchema = z.object({
  statusCode: z.number().optional(),
  message: z.string().default('it failed'),
  json: z.object({ message: z.string() }).nullish().catch(undefined),
});

/** @see https://docs.docker.com/reference/api/engine/version/v1.41/#tag/System/operation/SystemPing (Builder-Version) */
function pingBuilder(docker: Docker, signal: AbortSignal): Promise<DockerEngine['builder']> {
  return new Promise((resolve, reject) => {
    const request = { path: '/_ping', method: 'GET', isStream: true, statusCodes: { 200: true }, abortSignal: signal };
    docker.modem.dial(request, (error, answer) => {
      if (error) {
        reject(error);
        return;
      }
      const response = answer !== null && 'headers' in answer ? answer : undefined;
      response?.resume();
      resolve(response?.headers['builder-version'] === '2' ? 'buildkit' : 'classic');
    });
  });
}

async function withinTime<T>(work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(Object.assign(new Error('it did not answer within 10 seconds'), { code: 'ETIMEDOUT' }));
  }, ANSWER_MILLISECONDS);
  return Promise.race([work, promise]).finally(() => {
    clearTimeout(timer);
  });
}

async function addressOf(env: Variables): Promise<Address> {
  const named = env.DOCKER_HOST ?? (await contextHost(env)); // Empty means the usual place.
  if (named?.startsWith('unix://')) return { socketPath: named.slice('unix://'.length), text: named };
  if (named) return { url: named.includes('//') ? named : `tcp://${named}`, text: named };
  const home = env.HOME ?? '';
  const usual = [
    '/var/run/docker.sock',
    join(home, '.docker/run/docker.sock'),
    join(env.XDG_RUNTIME_DIR ?? '/nowhere', 'docker.sock'),
  ];
  const socketPath = usual.find((path) => existsSync(path)) ?? '/var/run/docker.sock';
  return { socketPath, text: `unix://${socketPath}` };
}

const contextSchema = z.object({ Endpoints: z.object({ docker: z.object({ Host: z.string() }) }) });

/** @see https://docs.docker.com/engine/manage-resources/contexts/ (where `docker context use` writes) */
async function contextHost(env: Variables): Promise<string | undefined> {
  const folder = env.DOCKER_CONFIG ?? join(env.HOME ?? '', '.docker');
  const settings = z
    .object({ currentContext: z.string().optional() })
    .safeParse(await jsonOf(join(folder, 'config.json')));
  const name = env.DOCKER_CONTEXT ?? settings.data?.currentContext;
  if (name === undefined || name === '' || name === 'default') return undefined;
  const id = createHash('sha256').update(name).digest('hex');
  return contextSchema.safeParse(await jsonOf(join(folder, 'contexts/meta', id, 'meta.json'))).data?.Endpoints.docker
    .Host;
}

/** All of it is said here: what is left out dockerode takes from the environment of the process. */
async function optionsOf({ socketPath, url }: Address, env: Variables): Promise<Docker.DockerOptions> {
  if (socketPath !== undefined) return { socketPath, host: '', protocol: 'http' };
  const { protocol, hostname, port, username } = new URL(url ?? '');
  if (protocol === 'ssh:')
    return {
      protocol: 'ssh',
      host: hostname,
      port: port || 22,
      username,
      sshOptions: env.SSH_AUTH_SOCK ? { agent: env.SSH_AUTH_SOCK } : {},
    };
  const isSecure = Boolean(env.DOCKER_TLS_VERIFY) || port === '2376' || protocol === 'https:';
  if (!isSecure) return { protocol: 'http', host: hostname, port: port || 2375 };
  const folder = env.DOCKER_CERT_PATH ?? join(env.HOME ?? '', '.docker');
  const [ca, cert, key] = await Promise.all(
    ['ca.pem', 'cert.pem', 'key.pem'].map((name) => readFile(join(folder, name))),
  );
  return { protocol: 'https', host: hostname, port: port || 2376, ca, cert, key };
}

function connectError(error: unknown, { text }: Address): ProviderError {
  const known = systemError(error);
  if (known?.code === 'EACCES') {
    const hint = 'join the docker group (sudo usermod -aG docker $USER, then log in again), or use rootless Docker';
    return new ProviderError('denied', `this user may not use the Docker Engine at ${text}`, { hint, cause: error });
  }
  const reason = known ? `: ${known.message}` : '';
  return new ProviderError('unavailable', `no Docker Engine answers at ${text}${reason}`, {
    effect: 'none',
    hint: HINT,
    cause: error,
  });
}

/** What core does with images, on the engine of this machine. @throws ProviderError as `connectDocker`. */
export async function openImageBuilder(options: {
  readonly env: Variables;
  readonly signal?: AbortSignal;
}): Promise<EngineImages> {
  const engine = await connectDocker(options.env, options.signal ?? new AbortController().signal);
  const { EngineImages } = await import('./engine-images.ts');
  return new EngineImages(engine, options.env);
}
