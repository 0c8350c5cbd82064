import {
  CreateLogStreamCommand,
  PutLogEventsCommand,
  type CloudWatchLogsClient,
  type InputLogEvent,
} from '@aws-sdk/client-cloudwatch-logs';
import type { ContainerDefinition } from '@aws-sdk/client-ecs';
import type { Container } from 'dockerode';
import { setTimeout as sleep } from 'node:timers/promises';
import { PassThrough, type Readable } from 'node:stream';
import type { Engine } from './engine.ts';

const PAUSE_MILLISECONDS = 200;
const LONGEST_MILLISECONDS = 5000;

/** Plays the `awslogs` driver. @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html */
export class ContainerLogs {
  readonly #ends = new Map<string, Promise<void>>();

  constructor(
    private readonly client: CloudWatchLogsClient,
    private readonly engine: Engine,
  ) {}

  /** Sends what a container says, from its start until its end. */
  follow(container: Container, definition: ContainerDefinition, task: string): void {
    const { logDriver, options = {} } = definition.logConfiguration ?? {};
    const group = options['awslogs-group'];
    if (logDriver !== 'awslogs' || group === undefined) return;
    const stream = [options['awslogs-stream-prefix'] ?? 'ecs', definition.name, task].join('/');
    this.#ends.set(
      container.id,
      this.#follow(container, group, stream).catch(() => undefined),
    ); // the group is gone
  }

  /** All that it said is sent. */
  async settled(container: Container): Promise<void> {
    const late = sleep(LONGEST_MILLISECONDS, undefined, { ref: false }); // an engine that does not end the stream
    await Promise.race([this.#ends.get(container.id), late]);
    this.#ends.delete(container.id);
  }

  async #follow(container: Container, logGroupName: string, logStreamName: string): Promise<void> {
    await this.client.send(new CreateLogStreamCommand({ logGroupName, logStreamName })).catch(() => undefined); // it is there
    const waiting: InputLogEvent[] = [];
    const said = await container.logs({ follow: true, stdout: true, stderr: true });
    let timer: NodeJS.Timeout | undefined;
    let sent = Promise.resolve();
    const send = () => {
      timer = undefined;
      const logEvents = waiting.splice(0);
      if (logEvents.length === 0) return;
      sent = sent.then(async () => {
        await this.client
          .send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents }))
          .catch(() => undefined);
      });
    };
    const add = (message: string) => {
      waiting.push({ timestamp: Date.now(), message });
      timer ??= setTimeout(send, PAUSE_MILLISECONDS);
    };
    await this.#lines(said as unknown as Readable, add); // it is a socket's answer
    clearTimeout(timer);
    send();
    await sent;
  }

  async #lines(stream: Readable, add: (line: string) => void): Promise<void> {
    const pipes = [new PassThrough(), new PassThrough()] as const;
    this.engine.docker.modem.demuxStream(stream, pipes[0], pipes[1]);
    stream.on('end', () => pipes.forEach((pipe) => pipe.end()));
    stream.on('error', () => pipes.forEach((pipe) => pipe.end()));
    stream.on('close', () => pipes.forEach((pipe) => pipe.end()));
    await Promise.all(
      pipes.map(async (pipe) => {
        let rest = '';
        for await (const bytes of pipe) {
          const lines = `${rest}${String(bytes)}`.split('\n');
          rest = lines.pop() ?? '';
          lines.filter((line) => line !== '').forEach(add);
        }
        if (rest !== '') add(rest);
      }),
    );
  }
}
