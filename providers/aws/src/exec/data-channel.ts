import { randomUUID } from 'node:crypto';
import { WebSocket, type RawData } from 'ws';
import { z } from 'zod';
import { decodeMessage, encodeMessage, PAYLOAD, type AgentMessage } from './agent-message.ts';
import { answerHandshake, CLIENT_VERSION } from './handshake.ts';
import { Inbox } from './inbox.ts';
import { Outbox } from './outbox.ts';

/** As ExecuteCommand and StartSession give it. */
export interface StreamPlace {
  readonly streamUrl: string;
  readonly tokenValue: string;
}
/** Each is called once the one before has returned, `ended` last, and once. */
export interface ChannelEvents {
  output(bytes: Buffer): void;
  ended(end: ChannelEnd): void;
}
/** `closed`: the agent has ended the session, and may say why. `lost`: nothing more is known of it. `refused`: we can't speak with it. */
export interface ChannelEnd {
  readonly kind: 'closed' | 'lost' | 'refused';
  readonly reason: string;
}

/** The longest payload that AWS's own client sends. */
const MOST_BYTES = 1024;
const HANDSHAKE_MILLISECONDS = 30_000;
/** What lies between keeps a connection open on which nothing is said for some minutes alone. */
const PING_MILLISECONDS = 60_000;
const ACKNOWLEDGE_FLAGS = 3;
const acknowledgeSchema = z.object({ AcknowledgedMessageSequenceNumber: z.number() });
const closedSchema = z.object({ Output: z.string().nullish() });

/**
 * The client's side of a session with AWS's agent, over a WebSocket.
 * @see https://github.com/aws/session-manager-plugin/blob/mainline/src/datachannel/streaming.go
 */
export class DataChannel {
  private readonly socket: WebSocket;
  private readonly inbox = new Inbox();
  private readonly outbox: Outbox;
  private readonly pings: NodeJS.Timeout;
  private readonly silence: NodeJS.Timeout;
  private isReady = false;
  private isOver = false;

  /** @param handshakeMilliseconds - How long the connection may take, and then the agent's first words. */
  constructor(
    { streamUrl, tokenValue }: StreamPlace,
    private readonly events: ChannelEvents,
    handshakeMilliseconds = HANDSHAKE_MILLISECONDS,
  ) {
    this.socket = new WebSocket(streamUrl, { handshakeTimeout: handshakeMilliseconds });
    this.silence = setTimeout(() => {
      this.end({ kind: 'lost', reason: 'the agent does not answer' });
    }, 2 * handshakeMilliseconds);
    this.outbox = new Outbox(
      (bytes) => this.put(bytes),
      () => this.end({ kind: 'lost', reason: 'the agent does not answer' }),
    );
    this.pings = setInterval(() => this.ping(), PING_MILLISECONDS);
    this.pings.unref();
    this.socket.on('open', () => this.put(JSON.stringify(openingOf(tokenValue))));
    this.socket.on('message', (data) => this.receive(data));
    this.socket.on('error', ({ message }) => this.end({ kind: 'lost', reason: message }));
    this.socket.on('close', (code, reason) => {
      const why = reason.toString();
      this.end({ kind: 'lost', reason: `the connection was closed (${String(code)}${why === '' ? '' : ` ${why}`})` });
    });
  }

  /** Keys, as the terminal takes them. Resolves once all are sent. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += MOST_BYTES)
      await this.outbox.send(PAYLOAD.bytes, Buffer.from(bytes.subarray(at, at + MOST_BYTES)));
  }

  async resize(cols: number, rows: number): Promise<void> {
    await this.outbox.send(PAYLOAD.size, Buffer.from(JSON.stringify({ cols, rows })));
  }

  /** Nothing is told of it any more. */
  close(): void {
    this.isOver = true;
    clearInterval(this.pings);
    clearTimeout(this.silence);
    this.outbox.close();
    if (this.socket.readyState === WebSocket.OPEN) this.socket.close();
    else this.socket.terminate();
    const late = setTimeout(() => this.socket.terminate(), 1000);
    late.unref();
    this.socket.once('close', () => clearTimeout(late));
  }

  private ping(): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.ping();
  }

  private put(data: Buffer | string): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(data);
  }

  private receive(data: RawData): void {
    if (this.isOver) return;
    try {
      this.handle(decodeMessage(asBuffer(data)));
    } catch (error) {
      // What is not acknowledged comes again.
      if (!this.isReady) this.end({ kind: 'refused', reason: error instanceof Error ? error.message : String(error) });
    }
  }

  private handle(message: AgentMessage): void {
    switch (message.type) {
      case 'output_stream_data':
        this.outbox.pause(false);
        this.takeOutput(message);
        break;
      case 'acknowledge':
        this.outbox.pause(false);
        this.outbox.acknowledge(read(acknowledgeSchema, message).AcknowledgedMessageSequenceNumber);
        break;
      case 'pause_publication':
        this.outbox.pause(true);
        break;
      case 'start_publication':
        this.outbox.pause(false);
        break;
      case 'channel_closed':
        this.end({ kind: 'closed', reason: (read(closedSchema, message).Output ?? '').trim() });
        break;
      default:
    }
  }

  private takeOutput(message: AgentMessage): void {
    const { isTaken, inOrder } = this.inbox.take(message);
    if (isTaken) this.put(acknowledgementOf(message));
    for (const one of inOrder) if (!this.isOver) this.process(one);
  }

  private process({ payloadType, payload }: AgentMessage): void {
    if (payloadType === PAYLOAD.handshakeRequest) {
      const { answer, refusal } = answerHandshake(payload);
      void this.outbox.send(PAYLOAD.handshakeResponse, answer).then(() => {
        if (refusal !== undefined) this.end({ kind: 'refused', reason: refusal });
      });
    } else if (payloadType === PAYLOAD.handshakeComplete) this.agreed();
    else if (payloadType === PAYLOAD.bytes) {
      this.agreed();
      this.events.output(payload);
    }
  }

  /** An agent that wants nothing of a client leaves the handshake out. @see https://github.com/aws/amazon-ssm-agent/blob/mainline/agent/session/plugins/sessionplugin/sessionplugin.go */
  private agreed(): void {
    this.isReady = true;
    clearTimeout(this.silence);
  }

  private end(end: ChannelEnd): void {
    if (this.isOver) return;
    this.close();
    this.events.ended(end);
  }
}

function openingOf(TokenValue: string): object {
  return {
    MessageSchemaVersion: '1.0',
    RequestId: randomUUID(),
    TokenValue,
    ClientId: randomUUID(),
    ClientVersion: CLIENT_VERSION,
  };
}

function acknowledgementOf({ type, id, sequence }: AgentMessage): Buffer {
  const content = {
    AcknowledgedMessageType: type,
    AcknowledgedMessageId: id,
    AcknowledgedMessageSequenceNumber: sequence,
    IsSequentialMessage: true,
  };
  const payload = Buffer.from(JSON.stringify(content));
  return encodeMessage({ type: 'acknowledge', sequence: 0, flags: ACKNOWLEDGE_FLAGS, payloadType: 0, payload });
}

function read<T>(schema: z.ZodType<T>, { payload }: AgentMessage): T {
  return schema.parse(JSON.parse(payload.toString()));
}

function asBuffer(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? Buffer.from(data) : data;
}
