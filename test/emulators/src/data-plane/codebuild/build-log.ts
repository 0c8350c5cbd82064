import {
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
  type CloudWatchLogsClient,
  type InputLogEvent,
} from '@aws-sdk/client-cloudwatch-logs';

const PAUSE_MILLISECONDS = 200;

/** What a build says, in CloudWatch. */
export class BuildLog {
  #waiting: InputLogEvent[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sent: Promise<unknown>;

  constructor(
    private readonly client: CloudWatchLogsClient,
    readonly group: string,
    readonly stream: string,
  ) {
    const [logGroupName, logStreamName] = [group, stream];
    this.#sent = client
      .send(new CreateLogGroupCommand({ logGroupName }))
      .catch(() => undefined) // it is there
      .then(async () => client.send(new CreateLogStreamCommand({ logGroupName, logStreamName })))
      .catch(() => undefined); // no log is no reason to fail
  }

  add(message: string): void {
    if (message === '') return; // no event may be empty
    this.#waiting.push({ timestamp: Date.now(), message });
    this.#timer ??= setTimeout(() => {
      this.#send();
    }, PAUSE_MILLISECONDS);
  }

  /** All is sent. */
  async end(): Promise<void> {
    this.#send();
    await this.#sent;
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const logEvents = this.#waiting.splice(0);
    if (logEvents.length === 0) return;
    const command = new PutLogEventsCommand({ logGroupName: this.group, logStreamName: this.stream, logEvents });
    this.#sent = this.#sent.then(async () => this.client.send(command)).catch(() => undefined);
  }
}
