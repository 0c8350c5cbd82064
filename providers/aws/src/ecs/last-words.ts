import { GetLogEventsCommand, type CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DescribeTasksCommand, ListTasksCommand, type ECSClient, type Task } from '@aws-sdk/client-ecs';
import type { Call, Environment, Host, Part } from '@clusternator/core/provider';
import type { AwsFoundation } from '../foundation/outputs.ts';
import { paced } from '../paced.ts';
import { unlessAbsent } from '../storage/aws-error.ts';
import { serviceOf } from './handle.ts';
import { streamPrefix } from './log-streams.ts';

const LINES = 10;

/** Why a service did not start: what ECS says of its last task, and what that task said last. */
export class LastWords {
  constructor(
    private readonly parts: {
      readonly ecs: ECSClient;
      readonly logs: CloudWatchLogsClient;
      readonly host: Host;
      readonly foundation: AwsFoundation;
    },
  ) {}

  async addTo(environment: Environment, key: string, call: Call): Promise<Environment> {
    const parts = await Promise.all(
      Object.entries(environment.parts).map(async ([service, part]): Promise<[string, Part]> => {
        const name = serviceOf(environment.handle, service);
        if (part.phase !== 'failed' || name === undefined) return [service, part];
        const words = await this.of(key, service, name, call);
        return [
          service,
          { ...part, message: [part.message, ...words].filter((text) => text !== undefined).join('\n') },
        ];
      }),
    );
    return { ...environment, parts: Object.fromEntries(parts) };
  }

  private async of(key: string, service: string, serviceName: string, call: Call): Promise<readonly string[]> {
    const task = await this.lastTask(serviceName, call);
    if (!task) return [];
    const reasons = [task.stoppedReason, ...(task.containers ?? []).map(({ reason }) => reason)];
    const instance = task.taskArn?.split('/').at(-1) ?? '';
    const logStreamName = `${streamPrefix(key, service)}${instance}`;
    const command = new GetLogEventsCommand({
      logGroupName: this.parts.foundation.logGroup,
      logStreamName,
      limit: LINES,
      startFromHead: false,
    });
    const asked = this.parts.logs.send(command, { abortSignal: call.signal });
    const { events = [] } = (await unlessAbsent(asked, ['ResourceNotFound'])) ?? {};
    return [...reasons.filter((text) => text !== undefined), ...events.map(({ message = '' }) => message)];
  }

  /** ECS tells of stopped tasks for an hour at least. @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html */
  private async lastTask(serviceName: string, call: Call): Promise<Task | undefined> {
    const { ecs, host, foundation } = this.parts;
    const { cluster } = foundation;
    const { taskArns = [] } = await paced(host, 'ecsRead', call, (options) =>
      ecs.send(new ListTasksCommand({ cluster, serviceName, desiredStatus: 'STOPPED' }), options),
    );
    if (taskArns.length === 0) return undefined;
    const { tasks = [] } = await paced(host, 'ecsRead', call, (options) =>
      ecs.send(new DescribeTasksCommand({ cluster, tasks: taskArns.slice(0, 100) }), options),
    );
    // What ECS ended itself as it gave up has nothing to say.
    const ended = tasks.filter(({ containers = [] }) => containers.some(({ exitCode = 0 }) => exitCode !== 0));
    return [...(ended.length > 0 ? ended : tasks)].sort((a, b) => timeOf(b) - timeOf(a))[0];
  }
}

function timeOf({ stoppedAt, createdAt }: Task): number {
  return (stoppedAt ?? createdAt)?.getTime() ?? 0;
}
