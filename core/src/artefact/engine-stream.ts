import { StringDecoder } from 'node:string_decoder';
import { z } from 'zod';
import { readTrace } from './buildkit-trace.ts';

/** One message of a build, pull or push. */
const messageSchema = z.object({
  stream: z.string().optional(),
  status: z.string().optional(),
  id: z.string().optional(),
  error: z.string().optional(),
  progressDetail: z.object({ current: z.number().optional(), total: z.number().optional() }).nullish(),
  aux: z.object({ ID: z.string().optional(), Digest: z.string().optional() }).nullish().catch(undefined),
});
export type EngineMessage = z.output<typeof messageSchema>;
export interface EngineListener {
  message(message: EngineMessage): void;
  /** Output of a build, whichever builder. It need not end with a line. */
  output(bytes: Buffer): void;
}

/** Reads an engine's messages to their end. @throws EngineFailure with what the engine calls the error. */
export async function followMessages(stream: AsyncIterable<unknown>, to: EngineListener): Promise<void> {
  let failure: string | undefined;
  for await (const json of jsonLines(stream)) {
    const trace = readTrace(json);
    if (trace) {
      to.output(Buffer.concat([...trace.lines.map((line) => Buffer.from(`${line}\n`)), trace.output]));
      continue;
    }
    const message = messageSchema.safeParse(json).data;
    if (!message) continue;
    failure = message.error ?? failure;
    if (message.stream !== undefined) to.output(Buffer.from(message.stream));
    to.message(message);
  }
  if (failure !== undefined) throw new EngineFailure(failure);
}

/** The engine carried out a request, and it failed. */
export class EngineFailure extends Error {
  override readonly name = 'EngineFailure';
}

async function* jsonLines(stream: AsyncIterable<unknown>): AsyncGenerator {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + (Buffer.isBuffer(chunk) ? decoder.write(chunk) : String(chunk))).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line);
  }
  if (rest.trim() !== '') yield JSON.parse(rest);
}
