import { GetLogEventsCommand, type CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import type { Build } from '@aws-sdk/client-codebuild';
import type { Call, Host } from '@clusternator/core/provider';
import { paced } from '../paced.ts';
import { unlessAbsent } from '../storage/aws-error.ts';

const KEPT_LINES = 20;

/** What a build says, as it says it. */
export class BuildOutput {
  private readonly last: string[] = [];
  private next: string | undefined;

  constructor(
    private readonly logs: CloudWatchLogsClient,
    private readonly host: Host,
    private readonly onLine: (line: string) => void,
  ) {}

  /** Reads on, as far as there is something. */
  async follow({ logs: { groupName, streamName } = {} }: Build, call: Call): Promise<void> {
    if (groupName === undefined || streamName === undefined) return; // it has none yet
    for (let from: string | undefined, isMore = true; isMore; isMore = this.next !== from) {
      from = this.next;
      const command = new GetLogEventsCommand({
        ...{ logGroupName: groupName, logStreamName: streamName, startFromHead: true },
        ...(from !== undefined && { nextToken: from }),
      });
      const asked = paced(this.host, 'logEvents', call, (options) => this.logs.send(command, options));
      const answer = await unlessAbsent(asked, ['ResourceNotFound']);
      if (!answer) return;
      for (const { message = '' } of answer.events ?? []) this.tell(message.replace(/\r?\n$/, ''));
      // The end of a stream has the token that it was asked by.
      this.next = answer.nextForwardToken ?? from;
    }
  }

  /** Indented, to stand below a message. */
  lastLines(): string {
    return this.last.map((line) => `\n  ${line}`).join('');
  }

  private tell(line: string): void {
    this.last.push(line);
    if (this.last.length > KEPT_LINES) this.last.shift();
    this.onLine(line);
  }
}
