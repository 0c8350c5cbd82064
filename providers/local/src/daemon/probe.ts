import { request } from 'node:http';
import { connect } from 'node:net';
import type { HealthCheckBody } from '../control/protocol.ts';
import type { Endpoint } from './endpoint.ts';

export interface ProbeResult {
  readonly ok: boolean;
  /** For people: what was asked, and what came back. */
  readonly message: string;
}

/** `isForwarded`: something else takes connections there, and drops those for which it finds nobody behind it. */
export interface ProbedEndpoint extends Endpoint {
  readonly isForwarded?: boolean;
}

const LONGEST_SECONDS = 5;
const STAYS_OPEN_MS = 250;

/** One look at one instance: a GET where there is a check for it, a TCP connection elsewhere. Never rejects. */
export function probe(
  endpoint: ProbedEndpoint,
  check: HealthCheckBody | undefined,
  host: string,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LONGEST_SECONDS * 1000)]);
  return check ? probeHttp(endpoint, check, host, limit) : probeTcp(endpoint, limit);
}

function probeHttp(
  endpoint: Endpoint,
  check: HealthCheckBody,
  host: string,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const { promise, resolve } = Promise.withResolvers<ProbeResult>();
  const sent = request({
    host: endpoint.host,
    port: endpoint.port,
    path: check.path,
    agent: false,
    signal,
    headers: { host, 'user-agent': 'clusternator-health', connection: 'close' },
  });
  sent.once('response', (response) => {
    const status = response.statusCode ?? 0;
    response.destroy();
    const ok = status >= check.statusFrom && status <= check.statusTo;
    resolve({ ok, message: `GET ${check.path} answered ${String(status)}` });
  });
  sent.on('error', (error) => {
    const why = signal.aborted ? `did not answer within ${String(LONGEST_SECONDS)} s` : `failed: ${error.message}`;
    resolve({ ok: false, message: `GET ${check.path} ${why}` });
  });
  sent.end();
  return promise;
}

function probeTcp({ host, port, isForwarded }: ProbedEndpoint, signal: AbortSignal): Promise<ProbeResult> {
  const { promise, resolve } = Promise.withResolvers<ProbeResult>();
  const socket = connect({ host, port, signal });
  const end = (ok: boolean, message: string): void => {
    clearTimeout(timer);
    socket.destroy();
    resolve({ ok, message: `port ${String(port)} ${message}` });
  };
  let timer: NodeJS.Timeout | undefined;
  socket.once('connect', () => {
    if (isForwarded) timer = setTimeout(end, STAYS_OPEN_MS, true, 'takes connections');
    else end(true, 'takes connections');
  });
  socket.once('data', () => {
    end(true, 'takes connections');
  });
  socket.once('end', () => {
    end(false, 'takes no connections inside of the container');
  });
  socket.once('error', (error) => {
    end(false, `takes no connections: ${error.message}`);
  });
  return promise;
}
