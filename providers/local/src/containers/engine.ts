import { once } from 'node:events';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { ProviderError } from '@clusternator/core/provider';
import { endpointOf, type Endpoint } from './endpoint.ts';
import { EngineTimeout, errorOf } from './errors.ts';
import type { EngineAvailability } from './instance.ts';

export interface EngineOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** For calls that answer at once. Longer ones bring their own. */
  readonly callTimeoutSeconds: number;
}

/** The oldest API that has all that we ask for, of Docker Engine 20.10. */
const OLDEST_API = '1.41';

/** One Docker Engine. Every call has a time-out, ends at once with the caller's signal, and fails with a ProviderError. */
export class Engine {
  private client: Promise<Docker> | undefined;

  constructor(private readonly options: EngineOptions) {}

  /** @param doing - What the call is for, as in `could not …: the engine's words`. */
  async call<T>(
    doing: string,
    signal: AbortSignal,
    run: (docker: Docker, abortSignal: AbortSignal) => Promise<T>,
    timeoutSeconds = this.options.callTimeoutSeconds,
  ): Promise<T> {
    const controller = new AbortController();
    const abort = () => controller.abort(signal.reason);
    const timer = setTimeout(() => controller.abort(new EngineTimeout()), timeoutSeconds * 1000);
    signal.addEventListener('abort', abort, { once: true });
    try {
      signal.throwIfAborted();
      const docker = await this.docker();
      // The race ends the wait also where the client does not notice the signal, as in the middle of an answer.
      return await Promise.race([run(docker, controller.signal), aborted(controller.signal)]);
    } catch (cause) {
      const reason: unknown = controller.signal.aborted ? controller.signal.reason : cause;
      throw errorOf(reason, { doing, signal, timeoutSeconds });
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  }

  /** An endless answer, such as logs or events. The time-out is for its beginning; the signal ends all of it. */
  async stream(
    doing: string,
    path: string,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Readable> {
    return this.call(doing, signal, (docker, abortSignal) => {
      const statusCodes = { 200: true, 404: 'not found', 409: 'conflict', 500: 'server error' };
      // Not dockerode's own methods: they read an answer that does not follow into memory, and one that looks like JSON as an object.
      const request = {
        path: `${path}?`,
        method: 'GET',
        isStream: true,
        statusCodes,
        abortSignal,
        options: { ...query },
      };
      return new Promise<Readable>((resolve, reject) => {
        docker.modem.dial(request, (error, answer) => {
          if (error) {
            reject(error);
            return;
          }
          if (!(answer instanceof Readable)) {
            reject(new Error('the Docker Engine gave no stream'));
            return;
          }
          if (signal.aborted) {
            answer.destroy();
            return;
          }
          const end = () => answer.destroy();
          signal.addEventListener('abort', end, { once: true });
          answer.once('close', () => signal.removeEventListener('abort', end));
          resolve(answer);
        });
      });
    });
  }

  /** Whether it answers and is new enough. @throws ProviderError `cancelled` and nothing else. */
  async available(signal: AbortSignal): Promise<EngineAvailability> {
    try {
      const version = await this.call('ask the Docker Engine for its version', signal, (docker) => docker.version());
      if (compareVersions(version.ApiVersion, OLDEST_API) < 0) {
        const reason = `Docker Engine ${version.Version} speaks API ${version.ApiVersion}, older than ${OLDEST_API}`;
        return { ok: false, reason, hint: 'update it to Docker Engine 20.10 or newer' };
      }
      if (version.Os !== 'linux') {
        return {
          ok: false,
          reason: `the Docker Engine runs ${version.Os} containers`,
          hint: 'switch it to Linux containers',
        };
      }
      return { ok: true, version: version.Version, apiVersion: version.ApiVersion };
    } catch (error) {
      if (!ProviderError.is(error) || error.code === 'cancelled') throw error;
      return { ok: false, reason: error.message, hint: error.detail.hint ?? 'see whether `docker version` works' };
    }
  }

  private docker(): Promise<Docker> {
    this.client ??= this.connect();
    // A DOCKER_HOST that cannot be read now may be readable at the next call.
    this.client.catch(() => (this.client = undefined));
    return this.client;
  }

  private async connect(): Promise<Docker> {
    const endpoint = await endpointOf(this.options.env);
    // dockerode takes 200 ms to load: only where a container is wanted.
    const { default: Dockerode } = await import('dockerode');
    // A connection for each call: one that is kept would fail the first call after the engine's restart.
    const agent = endpoint.kind === 'tcp' && endpoint.tls ? new HttpsAgent() : new HttpAgent();
    const options = { ...connectionOf(endpoint), agent };
    return new Dockerode(options);
  }
}

/** Everything is set, so that the client takes nothing from its own process's environment. */
function connectionOf(endpoint: Endpoint): Docker.DockerOptions {
  if (endpoint.kind === 'socket')
    return { host: undefined, port: undefined, protocol: 'http', socketPath: endpoint.path };
  const { host, port, tls } = endpoint;
  const address = { host, port, protocol: tls ? 'https' : 'http' } as const;
  return tls ? { ...address, ca: tls.ca, cert: tls.cert, key: tls.key } : address;
}

async function aborted(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort');
  throw signal.reason;
}

function compareVersions(one: string, other: string): number {
  return one.localeCompare(other, 'en', { numeric: true });
}
