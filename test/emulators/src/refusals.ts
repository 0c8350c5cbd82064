import { createServer, type IncomingMessage } from 'node:http';
import { LoopbackServer } from './data-plane/loopback-server.ts';
import { passOn } from './pass-on.ts';

/** Where an emulator answers, and what it did not allow. */
export interface Refusals {
  readonly url: string;
  /** Actions such as `ecs:CreateService`, as the emulator names them, in the order in which they were refused. */
  readonly refused: string[];
  /** Resolves once nothing is on its way. */
  idle(): Promise<void>;
  end(): Promise<void>;
}

/** What moto takes a request of S3 for, whose refusals don't tell. */
const S3: readonly (readonly [RegExp, string])[] = [
  [/^GET \/[^/]+\/?\?.*\btagging/, 'GetBucketTagging'],
  [/^GET \/[^/]+\/?\?.*\bversioning/, 'GetBucketVersioning'],
  [/^GET \/[^/]+\/?\?.*\bversions/, 'ListBucketVersions'],
  [/^GET \/[^/]+\/?(?:\?|$)/, 'ListBucket'],
  [/^PUT \/[^/]+\/?\?.*\bversioning/, 'PutBucketVersioning'],
  [/^PUT \/[^/]+\/?(?:\?|$)/, 'CreateBucket'],
  [/^POST \/[^/]+\/?\?.*\bdelete/, 'DeleteObject'],
  [/^DELETE \/[^/]+\/?(?:\?|$)/, 'DeleteBucket'],
  [/^GET /, 'GetObject'],
  [/^PUT /, 'PutObject'],
  [/^DELETE /, 'DeleteObject'],
];

/** Before a moto that looks at policies. */
export async function watchRefusals(moto: string): Promise<Refusals> {
  const refused: string[] = [];
  const open = new Set<Promise<void>>();
  const server = createServer((request, response) => {
    const exchange = (async () => {
      const answer = await passOn(moto, request, Buffer.concat(await request.toArray()));
      const body = Buffer.concat(await answer.toArray());
      const action = answer.statusCode === 403 ? refusedAction(request, body.toString()) : undefined;
      if (action !== undefined) refused.push(action);
      response.writeHead(answer.statusCode ?? 502, answer.headers).end(body);
    })().catch(() => {
      response.destroy();
    });
    open.add(exchange);
    void exchange.finally(() => open.delete(exchange));
  });
  const listening = await LoopbackServer.listen(server);
  return {
    url: listening.url,
    refused,
    async idle() {
      while (open.size > 0) await Promise.all(open);
    },
    end: async () => listening.end(),
  };
}

function refusedAction({ method, url }: IncomingMessage, body: string): string | undefined {
  const told = /not authorized to perform: ([\w-]+:\w+)/.exec(body)?.[1];
  if (told !== undefined || !body.includes('AccessDenied')) return told;
  const line = `${method ?? ''} ${url ?? ''}`;
  return `s3:${S3.find(([pattern]) => pattern.test(line))?.[1] ?? line}`;
}
