import { createHash, randomUUID } from 'node:crypto';

/** A message of a data channel. @see https://github.com/aws/amazon-ssm-agent/blob/mainline/agent/session/contracts/agentmessage.go */
export interface ChannelMessage {
  readonly type: string;
  readonly sequence: number;
  readonly id: string;
  readonly payloadType: number;
  readonly payload: Buffer;
}

const HEADER = 116;

export function writeMessage(type: string, sequence: number, payloadType: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(HEADER + 4);
  header.writeUInt32BE(HEADER, 0);
  header.fill(' ', 4, 36);
  header.write(type, 4, 'latin1');
  header.writeUInt32BE(1, 36);
  header.writeBigUInt64BE(BigInt(Date.now()), 40);
  header.writeBigInt64BE(BigInt(sequence), 48);
  const id = Buffer.from(randomUUID().replaceAll('-', ''), 'hex');
  id.copy(header, 64, 8, 16);
  id.copy(header, 72, 0, 8);
  sha256(payload).copy(header, 80);
  header.writeUInt32BE(payloadType, 112);
  header.writeUInt32BE(payload.length, HEADER);
  return Buffer.concat([header, payload]);
}

/** Undefined where the agent would take it for none: what it did not get whole, it does not acknowledge. */
export function readMessage(bytes: Buffer): ChannelMessage | undefined {
  if (bytes.length < HEADER + 4 || bytes.readUInt32BE(0) !== HEADER) return undefined;
  const payload = bytes.subarray(HEADER + 4);
  const isWhole = payload.length === bytes.readUInt32BE(HEADER) && sha256(payload).equals(bytes.subarray(80, 112));
  if (!isWhole || bytes.readUInt32BE(36) !== 1 || bytes.readBigUInt64BE(40) === 0n) return undefined;
  return {
    type: bytes.toString('latin1', 4, 36).trim(),
    sequence: Number(bytes.readBigInt64BE(48)),
    id: [bytes.subarray(72, 80), bytes.subarray(64, 72)].map((half) => half.toString('hex')).join(''),
    payloadType: bytes.readUInt32BE(112),
    payload,
  };
}

function sha256(payload: Buffer): Buffer {
  return createHash('sha256').update(payload).digest();
}
