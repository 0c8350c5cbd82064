import { spawn } from 'node:child_process';
import { request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { RequestOptions as SecureOptions } from 'node:https';
import { Duplex } from 'node:stream';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import type { EngineAddress } from './engine-address.ts';

/** One request to the Docker Engine. */
export interface EngineRequest {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** Of its API, without a version: the engine then speaks its newest. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Readable;
  readonly signal: AbortSignal;
}
const errorSchema = z.object({ message: z.string() });

/** The engine answered, and said no. */
export class EngineRefusal extends Error {
  override readonly name = 'EngineRefusal';
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Speaks HTTP to a Docker Engine. It is small because it has to be there at once: the well-known client takes longer to load than a
 * build whose layers are all cached.
 */
export class EngineClient {
  constructor(private readonly address: EngineAddress) {}

  /** The answer's body is still to be read. @throws EngineRefusal, or the system's error where nothing answers. */
  async send(request: EngineRequest): Promise<IncomingMessage> {
    const response = await this.exchange(request);
    const status = response.statusCode ?? 0;
    if (status < 400) return response;
    const text = await textOf(response);
    throw new EngineRefusal(
      status,
      errorSchema.safeParse(parsed(text)).data?.message ?? `${text.trim()} (status ${status})`,
    );
  }

  async json<T>(schema: z.ZodType<T>, request: EngineRequest): Promise<T> {
    return schema.parse(parsed(await textOf(await this.send(request))));
  }

  /** For requests whose answer has nothing to read. */
  async do(request: EngineRequest): Promise<void> {
    await textOf(await this.send(request));
  }

  private exchange({
    method = 'GET',
    path,
    query = {},
    headers = {},
    body,
    signal,
  }: EngineRequest): Promise<IncomingMessage> {
    const search = new URLSearchParams(
      Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined),
    );
    return new Promise((resolve, reject) => {
      const request = this.open({
        method,
        path: `${encodeURI(path).replaceAll(/[?#]/g, encodeURIComponent)}?${search.toString()}`,
        headers: { Host: 'docker', ...headers },
        signal,
      });
      request.on('error', reject);
      request.on('response', resolve);
      if (body)
        pipeline(body, request).catch(reject); // It may well have answered before all was sent.
      else request.end();
    });
  }

  private open(options: RequestOptions): ClientRequest {
    const { address } = this;
    if (address.kind === 'socket') return httpRequest({ ...options, agent: false, socketPath: address.path });
    if (address.kind === 'ssh') return httpRequest({ ...options, createConnection: () => dialBySsh(address) });
    const { host, port, tls } = address;
    if (!tls) return httpRequest({ ...options, agent: false, host, port });
    const secure: SecureOptions = { ...options, agent: false, host, port, ...tls };
    return httpsRequest(secure);
  }
}

/** As Docker's own command line does. @see https://docs.docker.com/engine/security/protect-access/ (Use SSH) */
function dialBySsh({ host, user, port, env }: Extract<EngineAddress, { kind: 'ssh' }>): Duplex {
  const to = [...(user === '' ? [] : ['-l', user]), ...(port === '' ? [] : ['-p', port]), '--', host];
  const ssh = spawn(
    'ssh',
    ['-o', 'BatchMode=yes', '-o', 'ConnectTimeout=30', ...to, 'docker', 'system', 'dial-stdio'],
    {
      env: { ...env, DOCKER_HOST: undefined, DOCKER_CONTEXT: undefined }, // The engine over there is its own.
      stdio: ['pipe', 'pipe', 'ignore'],
    },
  );
  const connection = Duplex.from({ readable: ssh.stdout, writable: ssh.stdin });
  ssh.on('error', (error) => connection.destroy(error));
  connection.on('close', () => ssh.kill());
  return connection;
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer); // Nobody set an encoding.
  return Buffer.concat(chunks).toString();
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
