import { readMessage, writeMessage, type ChannelMessage } from './agent-message.ts';

const BYTES = 1;
const SIZE = 3;
const HANDSHAKE_REQUEST = 5;
const HANDSHAKE_RESPONSE = 6;
const HANDSHAKE_COMPLETE = 7;
const MOST_BYTES = 1024;
const LOOK_MILLISECONDS = 50;
const RESEND_MILLISECONDS = 200;
const SUCCESS = 1;

/** What an agent does with a session. */
export interface AgentSession {
  /** The client has agreed. */
  start(): void;
  input(bytes: Buffer): void;
  resize(size: { readonly cols: number; readonly rows: number }): void;
  /** The client has not. */
  refused(why: string): void;
}
/** What is otherwise than it mostly is, or goes wrong on the way, to see what the other side makes of it. */
export interface Faults {
  /** What becomes of a message of the agent. Left out: it is put through. */
  out?(bytes: Buffer): readonly Buffer[];
  /** Whether a message of the client is lost. */
  loses?(message: ChannelMessage): boolean;
  /** What the agent asks a client for. */
  readonly actions?: readonly object[];
  /** It wants nothing of its client, and begins. */
  readonly isWithoutHandshake?: boolean;
}

const ACTIONS = [
  { ActionType: 'SessionType', ActionParameters: { SessionType: 'InteractiveCommands', Properties: {} } },
];

/**
 * The agent's side of a data channel, as strict as the agent is: what it gets broken it takes for lost, and what nobody acknowledges it sends
 * again.
 * @see https://github.com/aws/amazon-ssm-agent/blob/mainline/agent/session/datachannel/datachannel.go
 */
export class AgentChannel {
  #expected = 0;
  #sequence = 0;
  #isAgreed = false;
  readonly #early = new Map<number, ChannelMessage>();
  readonly #unacknowledged = new Map<number, { readonly bytes: Buffer; last: number }>();
  readonly #timer: NodeJS.Timeout;
  /** How often something was sent again. */
  resent = 0;

  constructor(
    private readonly put: (bytes: Buffer) => void,
    private readonly session: AgentSession,
    private readonly faults: Faults = {},
  ) {
    this.#timer = setInterval(() => this.#sendAgain(Date.now()), LOOK_MILLISECONDS);
    this.#timer.unref();
  }

  open(): void {
    if (this.faults.isWithoutHandshake === true) {
      this.#isAgreed = true;
      this.session.start();
      return;
    }
    const request = { AgentVersion: '3.3.0.0', RequestedClientActions: this.faults.actions ?? ACTIONS };
    this.#send(HANDSHAKE_REQUEST, Buffer.from(JSON.stringify(request)));
  }

  output(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += MOST_BYTES) this.#send(BYTES, bytes.subarray(at, at + MOST_BYTES));
  }

  get isDone(): boolean {
    return this.#unacknowledged.size === 0;
  }

  /** By the service, once the agent has said that it is over. */
  close(Output: string): void {
    const content = { SchemaVersion: 1, MessageType: 'channel_closed', SessionId: '', DestinationId: '', Output };
    this.put(writeMessage('channel_closed', 0, 0, Buffer.from(JSON.stringify(content))));
    this.end();
  }

  end(): void {
    clearInterval(this.#timer);
  }

  receive(bytes: Buffer): void {
    const message = readMessage(bytes);
    if (!message || this.faults.loses?.(message)) return;
    if (message.type === 'acknowledge') {
      const { AcknowledgedMessageSequenceNumber: sequence } = JSON.parse(message.payload.toString());
      this.#unacknowledged.delete(sequence);
    } else if (message.type === 'input_stream_data') this.#take(message);
  }

  #take(message: ChannelMessage): void {
    const { sequence } = message;
    if (sequence < this.#expected) return;
    this.#acknowledge(message);
    this.#early.set(sequence, message);
    for (let next = this.#early.get(sequence); next; next = this.#early.get(this.#expected)) {
      if (next.sequence !== this.#expected) return;
      this.#early.delete(this.#expected);
      this.#expected += 1;
      this.#process(next);
    }
  }

  #process({ payloadType, payload }: ChannelMessage): void {
    if (payloadType === HANDSHAKE_RESPONSE) this.#agree(JSON.parse(payload.toString()));
    // Before that it is dropped.
    else if (!this.#isAgreed) return;
    else if (payloadType === BYTES) this.session.input(payload);
    else if (payloadType === SIZE) this.session.resize(JSON.parse(payload.toString()));
  }

  #agree({ ProcessedClientActions = [] }: { readonly ProcessedClientActions?: readonly Processed[] }): void {
    const failed = ProcessedClientActions.find(({ ActionStatus }) => ActionStatus !== SUCCESS);
    if (failed) {
      this.session.refused(`${failed.ActionType} failed on client with status 2 error: ${failed.Error}`);
      return;
    }
    this.#isAgreed = true;
    const complete = { HandshakeTimeToComplete: 1_000_000, CustomerMessage: '' };
    this.#send(HANDSHAKE_COMPLETE, Buffer.from(JSON.stringify(complete)));
    this.session.start();
  }

  #acknowledge({ type, id, sequence }: ChannelMessage): void {
    const content = {
      AcknowledgedMessageType: type,
      AcknowledgedMessageId: id,
      AcknowledgedMessageSequenceNumber: sequence,
      IsSequentialMessage: true,
    };
    this.put(writeMessage('acknowledge', 0, 0, Buffer.from(JSON.stringify(content))));
  }

  #send(payloadType: number, payload: Buffer): void {
    if (payload.length === 0) return;
    const bytes = writeMessage('output_stream_data', this.#sequence, payloadType, payload);
    this.#unacknowledged.set(this.#sequence, { bytes, last: Date.now() });
    this.#sequence += 1;
    this.#through(bytes);
  }

  #sendAgain(now: number): void {
    const [oldest] = this.#unacknowledged.values();
    if (!oldest || now - oldest.last < RESEND_MILLISECONDS) return;
    oldest.last = now;
    this.resent += 1;
    this.#through(oldest.bytes);
  }

  #through(bytes: Buffer): void {
    for (const each of this.faults.out?.(bytes) ?? [bytes]) this.put(each);
  }
}

interface Processed {
  readonly ActionType: string;
  readonly ActionStatus: number;
  readonly Error: string;
}
