import { request } from 'node:http';
import { connect } from 'node:net';
import type { HealthCheckBody } from '../control/protocol.ts';
import type { Endpoint } from './endpoint.ts';

export interface ProbeResult {
  readonly ok: boolean;
  /** For people: what was asked, and what came back. */
  readonly message: string;
}

const LONGEST_SECONDS = 5;

/** One look at one instance: a GET where there is a check for it, a TCP connection elsewhere. Never rejects. */
export function probe(
  endpoint: Endpoint,
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
    ...endpoint,
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

function probeTcp(endpoint: Endpoint, signal: AbortSignal): Promise<ProbeResult> {
  const { promise, resolve } = Promise.withResolvers<ProbeResult>();
  const socket = connect({ ...endpoint, signal });
  socket.once('connect', () => {
    socket.destroy();
    resolve({ ok: true, message: `port ${String(endpoint.port)} takes connections` });
  });
  socket.once('error', (error) => {
    resolve({ ok: false, message: `port ${String(endpoint.port)} takes no connection: ${error.message}` });
  });
  return promise;
}
