import http from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { startEmulator, type EmulatorName } from '@clusternator/emulators/emulator';
import { passOn } from '@clusternator/emulators/pass-on';

/** Who asks runs in this process: once its loop has turned so often without another call, it waits for answers. */
const QUIET_MILLISECONDS = 60;
const QUIET_TURNS = 5;

interface Held {
  readonly request: http.IncomingMessage;
  readonly response: http.ServerResponse;
  readonly body: Buffer;
}

/** A cloud of which each call takes one step, however long it takes: what is asked side by side is answered side by side. */
export interface Waves {
  readonly url: string;
  /** What was asked in each step since it was called before, by name. */
  steps(): readonly (readonly string[])[];
  /** Has the answers to a call say something else. @returns Lifts it. */
  rewrite(name: string, as: (text: string) => string): () => void;
  end(): Promise<void>;
}

/** An emulator that ends with them. */
export async function emulatorInWaves(name: EmulatorName): Promise<Waves> {
  const emulator = await startEmulator(name);
  const waves = await inWaves(emulator.url);
  return {
    ...waves,
    async end() {
      await waves.end();
      await emulator.end();
    },
  };
}

/** Stands before an emulator. Calls wait until there are no more of them, and are answered together. */
async function inWaves(to: string): Promise<Waves> {
  let held: Held[] = [];
  let steps: string[][] = [];
  let seen = 0;
  const rewritten = new Map<string, (text: string) => string>();
  let isWatching = false;
  const watch = async (): Promise<void> => {
    if (isWatching) return;
    isWatching = true;
    while (held.length > 0) {
      for (let before = -1; before !== seen;) {
        before = seen;
        await sleep(QUIET_MILLISECONDS);
        for (let nth = 0; nth < QUIET_TURNS; nth++) await turn();
      }
      const wave = held;
      held = [];
      steps.push(wave.map(nameOf).sort());
      const answers = await Promise.all(wave.map(async (one) => answerOf(to, one, rewritten.get(nameOf(one)))));
      answers.forEach((answer) => {
        answer();
      });
    }
    isWatching = false;
  };
  const server = http.createServer((request, response) => {
    seen++;
    void buffer(request).then((body) => {
      held.push({ request, response, body });
      return watch();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    steps() {
      const told = steps;
      steps = [];
      return told;
    },
    rewrite(name, as) {
      rewritten.set(name, as);
      return () => void rewritten.delete(name);
    },
    async end() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** @returns Tells it to whoever asked. */
async function answerOf(
  to: string,
  { request, response, body }: Held,
  as?: (text: string) => string,
): Promise<() => void> {
  const answer = await passOn(to, request, body);
  const said = await buffer(answer);
  const text = as ? Buffer.from(as(said.toString())) : said;
  const { 'transfer-encoding': _, ...headers } = answer.headers;
  return () => {
    response.writeHead(answer.statusCode ?? 502, { ...headers, 'content-length': text.length });
    response.end(text);
  };
}

function nameOf({ request: { method = '', url = '', headers }, body }: Held): string {
  const target = headers['x-amz-target'];
  const action = new URLSearchParams(body.toString()).get('Action');
  return (
    (typeof target === 'string' ? target.split('.').at(-1) : action) ?? `${method} ${url.replace(/^\/[^/?]+/, '/…')}`
  );
}
