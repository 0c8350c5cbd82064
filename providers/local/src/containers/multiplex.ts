const HEADER_BYTES = 8;
const STDERR = 2;

export interface Payload {
  readonly stream: 'stdout' | 'stderr';
  readonly bytes: Buffer;
}

/**
 * The engine's stream of stdout and stderr, taken apart: each frame as it was written.
 * @see https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach (Stream format)
 */
export async function* demultiplex(chunks: AsyncIterable<Buffer>): AsyncGenerator<Payload> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + rest.readUInt32BE(4);
      if (rest.length < end) break;
      yield { stream: rest[0] === STDERR ? 'stderr' : 'stdout', bytes: rest.subarray(HEADER_BYTES, end) };
      rest = rest.subarray(end);
    }
  }
}
