import { z } from 'zod';

/** What BuildKit tells of a build, as far as people want to read it. */
export interface TraceMessage {
  /** Of a step that begins, or failed. */
  readonly lines: readonly string[];
  /** Raw output of commands. */
  readonly output: Buffer;
}
type Field = bigint | Buffer;
type Fields = ReadonlyMap<number, readonly Field[]>;
const traceSchema = z.object({ id: z.literal('moby.buildkit.trace'), aux: z.string() });

/**
 * Reads a message of the engine that wraps one of BuildKit's. Undefined: it is another one.
 * @see https://github.com/moby/buildkit/blob/master/api/services/control/control.proto (StatusResponse, Vertex, VertexLog)
 */
export function readTrace(message: unknown): TraceMessage | undefined {
  const trace = traceSchema.safeParse(message).data;
  if (!trace) return undefined;
  const status = decode(Buffer.from(trace.aux, 'base64'));
  const lines = messagesOf(status, 1).flatMap((vertex) => {
    const [name, cached, started, completed, error] = [3, 4, 5, 6, 7].map((number) => vertex.get(number)?.[0]);
    if (error !== undefined) return [`ERROR: ${String(error)}`];
    if (started === undefined || (completed !== undefined && !cached)) return [];
    return [cached ? `CACHED ${String(name)}` : String(name)];
  });
  return { lines, output: Buffer.concat(messagesOf(status, 3).map((log) => bytesOf(log.get(4)?.[0]))) };
}

function messagesOf(fields: Fields, number: number): readonly Fields[] {
  return (fields.get(number) ?? []).map((field) => decode(bytesOf(field)));
}

const bytesOf = (field: Field | undefined): Buffer => (Buffer.isBuffer(field) ? field : Buffer.alloc(0));

/** @see https://protobuf.dev/programming-guides/encoding/ (wire types 0, 1, 2 and 5) */
function decode(bytes: Buffer): Fields {
  const fields = new Map<number, Field[]>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; at < bytes.length; shift += 7n) {
      const byte = bytes[at++] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return value;
  };
  const take = (length: number): Buffer => bytes.subarray(at, (at += length));
  while (at < bytes.length) {
    const key = Number(varint());
    const type = key & 7;
    const field = type === 0 ? varint() : take(type === 2 ? Number(varint()) : type === 1 ? 8 : 4);
    fields.set(key >> 3, [...(fields.get(key >> 3) ?? []), field]);
  }
  return fields;
}
