import {
  CreateAutoScalingGroupCommand,
  DeleteAutoScalingGroupCommand,
  DescribeAutoScalingGroupsCommand,
  DescribeScalingActivitiesCommand,
  paginateDescribeAutoScalingGroups,
  UpdateAutoScalingGroupCommand,
  type Activity,
  type AutoScalingClient,
  type AutoScalingGroup,
  type CreateAutoScalingGroupCommandInput,
} from '@aws-sdk/client-auto-scaling';
import { ProviderError, type Call, type Host } from '@clusternator/core/provider';
import { allSettled } from '../all-settled.ts';
import { serviceNames } from '../ecs/names.ts';
import { paced } from '../paced.ts';
import { isNamed } from '../storage/aws-error.ts';

const PAGE_SIZE = 100;
const ACTIVITIES = 20;

/** Auto Scaling groups, one a service: each keeps as many machines as there are to be. */
export class Groups {
  constructor(
    private readonly client: AutoScalingClient,
    private readonly host: Host,
  ) {}

  /** Those of an environment, in one call: names that are not there are left out of the answer. */
  async of(key: string, call: Call): Promise<readonly AutoScalingGroup[]> {
    return this.named(serviceNames(key), call);
  }

  async find(name: string, call: Call): Promise<AutoScalingGroup | undefined> {
    const [found] = await this.named([name], call);
    return found;
  }

  /** All with a tag of ours, a page at a time. */
  async *all(call: Call): AsyncGenerator<AutoScalingGroup> {
    const input = { MaxRecords: PAGE_SIZE, Filters: [{ Name: 'tag-key', Values: ['clusternator_project'] }] };
    await this.host.pace('autoScalingRead', call);
    const pages = paginateDescribeAutoScalingGroups({ client: this.client }, input, { abortSignal: call.signal });
    for await (const page of pages) yield* page.AutoScalingGroups ?? [];
  }

  /** What is there under the name stays as it is: core asks again, and reads it then. */
  async create(request: CreateAutoScalingGroupCommandInput, call: Call): Promise<void> {
    try {
      await paced(this.host, 'autoScalingWrite', call, (options) =>
        this.client.send(new CreateAutoScalingGroupCommand(request), options),
      );
    } catch (error) {
      // A call beside this one was first. Whose it is, the next look tells.
      if (!isNamed(error, ['AlreadyExists'])) throw error;
    }
  }

  /** @throws ProviderError `not-found`. */
  async scale(name: string, size: number, call: Call): Promise<void> {
    const sizes = { MinSize: size, MaxSize: size, DesiredCapacity: size };
    const command = new UpdateAutoScalingGroupCommand({ AutoScalingGroupName: name, ...sizes });
    try {
      await paced(this.host, 'autoScalingWrite', call, (options) => this.client.send(command, options));
    } catch (error) {
      if (!isNotFound(error)) throw error;
      throw new ProviderError('not-found', `there is no Auto Scaling group ${name}`, { cause: error });
    }
  }

  /** With its machines: it is gone once they are. */
  async remove(groups: readonly AutoScalingGroup[], call: Call): Promise<void> {
    const removing = groups.map(async ({ AutoScalingGroupName }) => {
      const command = new DeleteAutoScalingGroupCommand({ AutoScalingGroupName, ForceDelete: true });
      try {
        await paced(this.host, 'autoScalingWrite', call, (options) => this.client.send(command, options));
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    });
    await allSettled(removing);
  }

  /** What it did of late, the newest first. */
  async activities(AutoScalingGroupName: string, call: Call): Promise<readonly Activity[]> {
    const command = new DescribeScalingActivitiesCommand({ AutoScalingGroupName, MaxRecords: ACTIVITIES });
    const { Activities = [] } = await paced(this.host, 'autoScalingRead', call, (options) =>
      this.client.send(command, options),
    );
    return Activities;
  }

  private async named(names: readonly string[], call: Call): Promise<readonly AutoScalingGroup[]> {
    const command = new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [...names] });
    const { AutoScalingGroups = [] } = await paced(this.host, 'autoScalingRead', call, (options) =>
      this.client.send(command, options),
    );
    return AutoScalingGroups;
  }
}

/** Auto Scaling has no name of its own for a group that is not there. */
function isNotFound(error: unknown): boolean {
  return isNamed(error, ['ValidationError']) && error instanceof Error && /not found/i.test(error.message);
}
