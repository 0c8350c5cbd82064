import { createHash, randomUUID } from 'node:crypto';

/**
 * A message of a session's data channel, as AWS's agent and its client write it: a header of fixed fields, big-endian, then the payload.
 * @see https://github.com/aws/session-manager-plugin/blob/mainline/src/message/messageparser.go
 */
export interface AgentMessage {
  /** Such as `output_stream_data`. */
  readonly type: string;
  /** Of a stream: it begins with 0 in each direction. */
  readonly sequence: number;
  readonly flags: number;
  readonly id: string;
  readonly payloadType: number;
  readonly payload: Buffer;
}

/** What a message of a stream carries. `error` and the others of AWS's list are not sent by ECS Exec. */
export const PAYLOAD = { bytes: 1, size: 3, handshakeRequest: 5, handshakeResponse: 6, handshakeComplete: 7 } as const;

const SCHEMA_VERSION = 1;
const AT = {
  headerLength: 0,
  type: 4,
  schemaVersion: 36,
  createdAt: 40,
  sequence: 48,
  flags: 56,
  id: 64,
  digest: 80,
  payloadType: 112,
  payloadLength: 116,
  payload: 120,
} as const;
/** These are not checked by the others either. */
const WITHOUT_DIGEST = new Set(['start_publication', 'pause_publication']);

export function encodeMessage(message: Omit<AgentMessage, 'id'> & { readonly id?: string }): Buffer {
  const { type, sequence, flags, id = randomUUID(), payloadType, payload } = message;
  const bytes = Buffer.alloc(AT.payload + payload.length);
  bytes.writeUInt32BE(AT.payloadLength, AT.headerLength);
  bytes.write(type.padEnd(AT.schemaVersion - AT.type), AT.type);
  bytes.writeUInt32BE(SCHEMA_VERSION, AT.schemaVersion);
  bytes.writeBigUInt64BE(BigInt(Date.now()), AT.createdAt);
  bytes.writeBigInt64BE(BigInt(sequence), AT.sequence);
  bytes.writeBigUInt64BE(BigInt(flags), AT.flags);
  swapped(Buffer.from(id.replaceAll('-', ''), 'hex')).copy(bytes, AT.id);
  digestOf(payload).copy(bytes, AT.digest);
  bytes.writeUInt32BE(payloadType, AT.payloadType);
  bytes.writeUInt32BE(payload.length, AT.payloadLength);
  payload.copy(bytes, AT.payload);
  return bytes;
}

/** @throws Error It is no message, or not the one that was sent. */
export function decodeMessage(bytes: Buffer): AgentMessage {
  if (bytes.length < AT.payload) throw new Error(`a message of ${String(bytes.length)} bytes is too short`);
  const from = bytes.readUInt32BE(AT.headerLength) + AT.payload - AT.payloadLength;
  const length = bytes.readUInt32BE(AT.payloadLength);
  const type = bytes.toString('latin1', AT.type, AT.schemaVersion).replaceAll('\0', ' ').trim();
  const payload = bytes.subarray(from, from + length);
  if (payload.length !== length) throw new Error(`a message says ${String(length)} bytes, and has fewer`);
  const digest = bytes.subarray(AT.digest, AT.payloadType);
  if (length > 0 && !WITHOUT_DIGEST.has(type) && !digestOf(payload).equals(digest))
    throw new Error('the digest of a message is not that of its payload');
  return {
    type,
    sequence: Number(bytes.readBigInt64BE(AT.sequence)),
    flags: Number(bytes.readBigUInt64BE(AT.flags)),
    id: uuidOf(swapped(bytes.subarray(AT.id, AT.digest))),
    payloadType: bytes.readUInt32BE(AT.payloadType),
    payload,
  };
}

function digestOf(payload: Buffer): Buffer {
  return createHash('sha256').update(payload).digest();
}

/** An id is written with its second half first. */
function swapped(id: Buffer): Buffer {
  return Buffer.concat([id.subarray(8), id.subarray(0, 8)]);
}

function uuidOf(id: Buffer): string {
  return id.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
