import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { S3Client } from '@aws-sdk/client-s3';
import type { Certificates } from '../certificates.ts';
import { LoopbackServer } from '../loopback-server.ts';
import type { Distribution, Distributions } from './distributions.ts';
import type { EdgeEvent, EdgeRequest, EdgeResponse, EdgeValue } from './edge-function.ts';
import { askBucket, type OriginAnswer } from './s3-origin.ts';

const READS = ['GET', 'HEAD'];
const S3_HOST = /^(.+)\.s3\.[a-z0-9-]+\.amazonaws\.com$/;

/** A place of CloudFront, on two ports of loopback, that has nothing in its cache. */
export class Edge {
  private constructor(
    private readonly http: LoopbackServer,
    private readonly https: LoopbackServer,
  ) {}

  static async listen(distributions: Distributions, s3: S3Client, certificates: Certificates): Promise<Edge> {
    const handlerFor =
      (isTls: boolean): RequestListener =>
      (incoming, response) => {
        serve({ distributions, s3, isTls }, incoming, response).catch((error: unknown) => {
          // As CloudFront says of a function that failed.
          if (response.headersSent) response.destroy();
          else answer(response, { statusCode: 503, body: `data plane: ${String(error)}\n` }, true);
        });
      };
    const tls = createTlsServer(
      {
        SNICallback: (name, done) => void certificates.contextFor(name).then((context) => done(null, context), done),
      },
      handlerFor(true),
    );
    return new Edge(await LoopbackServer.listen(createServer(handlerFor(false))), await LoopbackServer.listen(tls));
  }

  /** Where it really listens. */
  portFor(port: number): number | undefined {
    return { 80: this.http.port, 443: this.https.port }[port];
  }

  async end(): Promise<void> {
    await Promise.all([this.http.end(), this.https.end()]);
  }
}

interface At {
  readonly distributions: Distributions;
  readonly s3: S3Client;
  readonly isTls: boolean;
}

async function serve(at: At, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = 'GET' } = incoming;
  const said = await answerTo(at, method, incoming);
  answer(response, said, method !== 'HEAD' && said.statusCode !== 304);
}

async function answerTo(
  { distributions, s3, isTls }: At,
  method: string,
  incoming: IncomingMessage,
): Promise<EdgeResponse> {
  const host = (incoming.headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
  const found = distributions.answeringFor(host);
  const behavior = found?.summary.DefaultCacheBehavior;
  if (!found || !behavior) return { statusCode: 403, body: 'no distribution answers for the host\n' };
  if (!isTls && behavior.ViewerProtocolPolicy === 'redirect-to-https') {
    return { statusCode: 301, headers: { location: { value: `https://${host}${incoming.url ?? '/'}` } } };
  }
  if (!(behavior.AllowedMethods?.Items ?? READS).some((one) => one === method)) {
    return { statusCode: 403, body: 'the method is not allowed\n' };
  }
  const led = await run(found, requestOf(incoming));
  if ('statusCode' in led) return led;
  const said = await fromOrigin(s3, found, led);
  const told: EdgeResponse = { statusCode: said.status, headers: valuesOf(said.headers) };
  // Of failures CloudFront asks no function.
  const last = said.status < 400 ? await run(found, led, told) : told;
  if (!('statusCode' in last)) throw new Error('a function gave no response');
  return { ...last, body: { encoding: 'base64', data: said.body.toString('base64') } };
}

/** By a function of the distribution, if it has one. */
async function run(
  { summary, functions }: Distribution,
  request: EdgeRequest,
  response?: EdgeResponse,
): Promise<EdgeRequest | EdgeResponse> {
  const eventType = response ? 'viewer-response' : 'viewer-request';
  const { [eventType]: own } = functions;
  if (!own) return response ?? request;
  const event: EdgeEvent = {
    version: '1.0',
    context: {
      distributionDomainName: summary.DomainName ?? '',
      distributionId: summary.Id ?? '',
      eventType,
      requestId: randomUUID(),
    },
    viewer: { ip: '127.0.0.1' },
    request,
    ...(response && { response }),
  };
  const given = await own.run(event);
  if (typeof given === 'object' && given !== null && 'statusCode' in given) return given as EdgeResponse; // as CloudFront takes it
  if (typeof given === 'object' && given !== null && 'uri' in given && String(given.uri).startsWith('/'))
    return given as EdgeRequest; // the same
  throw new Error('a function gave neither a request nor a response');
}

async function fromOrigin(
  s3: S3Client,
  { summary }: Distribution,
  { uri, headers }: EdgeRequest,
): Promise<OriginAnswer> {
  const { TargetOriginId } = summary.DefaultCacheBehavior ?? {};
  const origin = summary.Origins?.Items?.find(({ Id }) => Id === TargetOriginId);
  const [, bucket] = S3_HOST.exec(origin?.DomainName ?? '') ?? [];
  if (bucket === undefined) throw new Error(`an origin that is no bucket is not played: ${origin?.DomainName ?? ''}`);
  const { 'if-none-match': ifNoneMatch, range } = headers;
  return askBucket(s3, {
    bucket,
    key: decodeURIComponent(uri.slice(1)),
    distribution: summary.ARN ?? '',
    isSigned: (origin?.OriginAccessControlId ?? '') !== '',
    ...(ifNoneMatch && { ifNoneMatch: ifNoneMatch.value }),
    ...(range && { range: range.value }),
  });
}

function requestOf({ method = 'GET', url = '/', headers }: IncomingMessage): EdgeRequest {
  const [uri = '/', query = ''] = url.split(/\?(.*)/s);
  const querystring: Record<string, EdgeValue> = {};
  for (const pair of query === '' ? [] : query.split('&')) {
    const [name = '', value = ''] = pair.split(/=(.*)/s);
    const before = querystring[name];
    const multiValue = [...(before?.multiValue ?? (before ? [{ value: before.value }] : [])), { value }];
    querystring[name] = before ? { value, multiValue } : { value };
  }
  const told = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as const],
  );
  return { method, uri, querystring, headers: valuesOf(Object.fromEntries(told)), cookies: {} };
}

function valuesOf(headers: Readonly<Record<string, string>>): Readonly<Record<string, EdgeValue>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, { value }]));
}

function answer(
  response: ServerResponse,
  { statusCode, statusDescription, headers = {}, body }: EdgeResponse,
  hasBody: boolean,
): void {
  const bytes = bytesOf(body);
  const told = Object.entries(headers).map(([name, { value }]) => [name, value] as const);
  response.writeHead(statusCode, statusDescription, {
    ...Object.fromEntries(told),
    ...(statusCode !== 304 && { 'content-length': String(bytes.length) }),
    server: 'CloudFront',
  });
  response.end(hasBody ? bytes : undefined);
}

function bytesOf(body: EdgeResponse['body']): Buffer {
  if (body === undefined) return Buffer.alloc(0);
  if (typeof body === 'string') return Buffer.from(body);
  return Buffer.from(body.data, body.encoding === 'base64' ? 'base64' : 'utf8');
}
