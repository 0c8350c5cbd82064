import { setTimeout as sleep } from 'node:timers/promises';
import { ProviderError } from '../provider/error.ts';
import { cancelled } from '../source/git.ts';
import type { Variables } from '../source/git.ts';
import { engineAddress } from './engine-address.ts';
import { EngineClient, EngineRefusal } from './engine-client.ts';
import { systemError } from './files.ts';

/** An engine that answers, and what it told of itself. */
export interface DockerEngine {
  readonly client: EngineClient;
  /** The builder that its own command line would use. */
  readonly builder: 'classic' | 'buildkit';
}
const HINT =
  'start Docker (Docker Desktop, Colima, or the docker service), or set DOCKER_HOST to where an engine listens';
const ANSWER_MILLISECONDS = 10_000;
const DROPPED: ReadonlySet<string> = new Set(['EPIPE', 'ECONNRESET']);
const PING_TRIES = 5;
const PING_PAUSE_MILLISECONDS = 100;

/** Finds the Docker Engine as Docker's own command line does, and asks whether it is there.
 *  @throws ProviderError `unavailable`, `denied` (its socket is another user's), `invalid` (DOCKER_HOST), `cancelled`. */
export async function connectDocker(env: Variables, signal: AbortSignal): Promise<DockerEngine> {
  const address = await engineAddress(env);
  const client = new EngineClient(address);
  const patience = AbortSignal.timeout(ANSWER_MILLISECONDS);
  try {
    const answer = await pinged(client, AbortSignal.any([signal, patience]));
    answer.resume();
    const own = answer.headers['builder-version'] === '2' ? 'buildkit' : 'classic';
    return {
      client,
      builder: env.DOCKER_BUILDKIT === undefined ? own : env.DOCKER_BUILDKIT === '0' ? 'classic' : 'buildkit',
    };
  } catch (error) {
    if (signal.aborted) throw cancelled(signal, 'ask the Docker Engine');
    throw connectError(error, address.text, patience.aborted);
  }
}

/** What the engine says, with its own 500, of a registry that it can't reach: the words of Go's net package. */
const UNREACHED = /\b(?:dial tcp|no such host|i\/o timeout|connection refused|TLS handshake timeout)\b/;
const REACH = 'see that the name is right, and that the machine of the Docker Engine reaches it';

/** A connection that an engine drops as it stops or starts says nothing of the next one. */
async function pinged(client: EngineClient, signal: AbortSignal): ReturnType<EngineClient['send']> {
  for (let tries = 1; ; tries++) {
    try {
      return await client.send({ path: '/_ping', signal });
    } catch (error) {
      const dropped = DROPPED.has(systemError(error)?.code ?? '');
      if (!dropped || tries === PING_TRIES || signal.aborted) throw error;
      await sleep(PING_PAUSE_MILLISECONDS, undefined, { signal });
    }
  }
}

/** What the engine answered, as an error that can be acted on. */
export function dockerError(error: unknown, doing: string): unknown {
  if (ProviderError.is(error)) return error;
  if (error instanceof EngineRefusal) return refusalError(error, doing);
  const known = systemError(error);
  if (!known) return error;
  const message = `could not ${doing}: the Docker Engine does not answer: ${known.message}`;
  return new ProviderError('unavailable', message, { hint: HINT, cause: error });
}

function refusalError(cause: EngineRefusal, doing: string): ProviderError {
  const message = `could not ${doing}: ${cause.message}`;
  if (cause.message.includes('no space left on device')) {
    const hint = 'free some disk space, for example with: docker system prune';
    return new ProviderError('quota', message, { hint, cause });
  }
  if (cause.status === 404) return new ProviderError('not-found', message, { cause });
  if (cause.status === 409) return new ProviderError('conflict', message, { effect: 'none', cause });
  if (cause.status === 401 || cause.status === 403) return new ProviderError('denied', message, { cause });
  if (cause.status === 400) return new ProviderError('invalid', message, { cause });
  if (UNREACHED.test(cause.message)) return new ProviderError('unavailable', message, { hint: REACH, cause });
  return new ProviderError('internal', message, { cause });
}

function connectError(cause: unknown, address: string, wasSilent: boolean): ProviderError {
  if (systemError(cause)?.code === 'EACCES') {
    const hint = 'join the docker group (sudo usermod -aG docker $USER, then log in again), or use rootless Docker';
    return new ProviderError('denied', `this user may not use the Docker Engine at ${address}`, { hint, cause });
  }
  const reason = wasSilent
    ? `within ${ANSWER_MILLISECONDS / 1000} s`
    : `: ${systemError(cause)?.message ?? String(cause)}`;
  const message = `no Docker Engine answers at ${address}${wasSilent ? ' ' : ''}${reason}`;
  return new ProviderError('unavailable', message, { effect: 'none', hint: HINT, cause });
}
