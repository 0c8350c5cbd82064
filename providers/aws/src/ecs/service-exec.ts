import {
  DescribeTasksCommand,
  ExecuteCommandCommand,
  ListTasksCommand,
  type ECSClient,
  type Service,
  type Task,
} from '@aws-sdk/client-ecs';
import { ProviderError, type Call, type ExecRequest, type ExecSession, type Host } from '@clusternator/core/provider';
import { ECS_EXEC } from '../exec/carrier.ts';
import { runCommand, whatIsRun, type Started } from '../exec/run-command.ts';
import type { AwsFoundation } from '../foundation/outputs.ts';
import { paced } from '../paced.ts';
import { isNamed } from '../storage/aws-error.ts';

const AGENT = 'ExecuteCommandAgent';
const LOOK_SECONDS = 1;
/** The agent is there some seconds after its task. */
const LOOKS = 60;

/** Runs commands in the tasks of a service, by ECS Exec. @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html */
export class ServiceExec {
  constructor(
    private readonly ecs: ECSClient,
    private readonly host: Host,
    private readonly foundation: AwsFoundation,
  ) {}

  /** @throws ProviderError `conflict`: no task runs. `unsupported`: the service was made without ECS Exec, or its image lacks what it takes. */
  async run(service: Service, request: ExecRequest, call: Call): Promise<ExecSession> {
    const what = whatIsRun(request);
    mustBeEnabled(service, what);
    const task = await this.taskOf(service, request.service, what, call);
    const start = (line: string): Promise<Started> => this.start(task, request, line, what, call);
    return runCommand(request, { what, carrier: ECS_EXEC }, start, call);
  }

  private async start(
    task: Task,
    { service: container }: ExecRequest,
    command: string,
    what: string,
    call: Call,
  ): Promise<Started> {
    const { cluster } = this.foundation;
    const input = { cluster, task: task.taskArn, container, command, interactive: true };
    try {
      const { session } = await paced(this.host, 'ecsExec', call, (options) =>
        this.ecs.send(new ExecuteCommandCommand(input), options),
      );
      const { streamUrl = '', tokenValue = '' } = session ?? {};
      return { place: { streamUrl, tokenValue } };
    } catch (cause) {
      if (!isNamed(cause, ['TargetNotConnected'])) throw cause;
      throw new ProviderError('unavailable', `could not ${what}: AWS’s agent in the task is not connected`, {
        ...{ cause, effect: 'none' },
        hint: 'its role needs the rights for it: clusternator foundation create gives them; its network needs a way to ssmmessages',
      });
    }
  }

  private async taskOf(service: Service, container: string, what: string, call: Call): Promise<Task> {
    for (let look = 1; ; look++) {
      const running = await this.running(service, call);
      if (running.length === 0) {
        throw new ProviderError('conflict', `could not ${what}: no instance of it runs`, {
          hint: 'clusternator env show tells of its instances, and env logs why they ended',
        });
      }
      const ready = running.find((task) => agentOf(task, container) === 'RUNNING');
      if (ready) return ready;
      const [state = 'STOPPED'] = running.map((task) => agentOf(task, container));
      if (state === 'STOPPED' || look === LOOKS) {
        throw new ProviderError('unavailable', `could not ${what}: AWS’s agent in the task is ${state.toLowerCase()}`, {
          effect: 'none',
          hint: 'a task whose file system is read-only has none; its role needs the rights that clusternator foundation create gives',
        });
      }
      await this.host.sleep(LOOK_SECONDS, call);
    }
  }

  private async running({ serviceName }: Service, call: Call): Promise<readonly Task[]> {
    const { cluster } = this.foundation;
    const { taskArns = [] } = await paced(this.host, 'ecsRead', call, (options) =>
      this.ecs.send(new ListTasksCommand({ cluster, serviceName, desiredStatus: 'RUNNING' }), options),
    );
    if (taskArns.length === 0) return [];
    const { tasks = [] } = await paced(this.host, 'ecsRead', call, (options) =>
      this.ecs.send(new DescribeTasksCommand({ cluster, tasks: taskArns }), options),
    );
    return tasks.filter(({ lastStatus, desiredStatus }) => lastStatus === 'RUNNING' && desiredStatus === 'RUNNING');
  }
}

function mustBeEnabled({ enableExecuteCommand }: Service, what: string): void {
  if (enableExecuteCommand === true) return;
  throw new ProviderError('unsupported', `could not ${what}: it was made without ECS Exec, by an older version`, {
    hint: 'an environment is made once: destroy it, and create it again',
  });
}

/** Undefined: it is not told yet. */
function agentOf({ containers = [] }: Task, container: string): string {
  const { managedAgents = [] } = containers.find(({ name }) => name === container) ?? {};
  return managedAgents.find(({ name }) => name === AGENT)?.lastStatus ?? 'PENDING';
}
