import {
  DeleteTaskDefinitionsCommand,
  DeregisterTaskDefinitionCommand,
  DescribeTaskDefinitionCommand,
  ListTaskDefinitionFamiliesCommand,
  paginateListTaskDefinitions,
  RegisterTaskDefinitionCommand,
  type ECSClient,
  type RegisterTaskDefinitionCommandInput,
} from '@aws-sdk/client-ecs';
import type { Call, Host } from '@clusternator/core/provider';
import { allSettled } from '../all-settled.ts';
import { paced } from '../paced.ts';
import { isNamed } from '../storage/aws-error.ts';
import { fromEcsTags } from './ecs-tags.ts';

/** @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteTaskDefinitions.html */
const DELETED_A_CALL = 10;

/** A revision, and whose it is. */
export interface Revision {
  readonly arn: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** What is registered, and what is not any more: the end of one that was killed on its way to be deleted. */
const THERE = ['ACTIVE', 'INACTIVE'] as const;
type Status = (typeof THERE)[number];

/** Task definitions, a family a service. Their revisions are numbered on, whatever is asked for. */
export class TaskDefinitions {
  /** By ARN, once ECS has said so. */
  private readonly inactive = new Set<string>();

  constructor(
    private readonly ecs: ECSClient,
    private readonly host: Host,
  ) {}

  /**
   * Registering takes no token: what an interrupted call had registered is found by the number of the next one. The lowest of ours is kept,
   * so that calls side by side agree, and the others are taken back.
   */
  async register(request: RegisterTaskDefinitionCommandInput, call: Call): Promise<string> {
    const { taskDefinition } = await paced(this.host, 'ecsTaskDefinitions', call, (options) =>
      this.ecs.send(new RegisterTaskDefinitionCommand(request), options),
    );
    const { taskDefinitionArn = '', family = '', revision = 1 } = taskDefinition ?? {};
    if (revision === 1) return taskDefinitionArn;
    const wanted = fromEcsTags(request.tags);
    const ours = (await this.ofFamily(family, 'ACTIVE', call)).filter(({ tags }) => isSame(tags, wanted));
    const [first, ...rest] = ours.map(({ arn }) => arn).sort((a, b) => revisionOf(a) - revisionOf(b));
    if (first === undefined) return taskDefinitionArn; // a list may lag behind
    await this.remove(rest, call);
    return first;
  }

  /** The revisions of all families whose names begin so. @param known - ARNs of those that are not asked for. */
  async beginningWith(familyPrefix: string, call: Call, known: readonly string[] = []): Promise<readonly Revision[]> {
    const found = await Promise.all(
      THERE.map(async (status) => {
        const { families = [] } = await paced(this.host, 'ecsRead', call, (options) =>
          this.ecs.send(new ListTaskDefinitionFamiliesCommand({ familyPrefix, status }), options),
        );
        return Promise.all(families.map((family) => this.ofFamily(family, status, call, known)));
      }),
    );
    return found.flat(2);
  }

  /** What is deleted goes once nothing runs by it any more. */
  async remove(arns: readonly string[], call: Call): Promise<void> {
    await this.deregister(arns, call);
    for (let at = 0; at < arns.length; at += DELETED_A_CALL) {
      const taskDefinitions = arns.slice(at, at + DELETED_A_CALL);
      await paced(this.host, 'ecsTaskDefinitions', call, (options) =>
        this.ecs.send(new DeleteTaskDefinitionsCommand({ taskDefinitions }), options),
      );
    }
    for (const arn of arns) this.inactive.delete(arn);
  }

  /**
   * Has to come before they are removed. What runs by them runs on.
   * @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeregisterTaskDefinition.html
   */
  async deregister(arns: readonly string[], call: Call): Promise<void> {
    const asking = arns
      .filter((arn) => !this.inactive.has(arn))
      .map(async (taskDefinition) => {
        await paced(this.host, 'ecsTaskDefinitions', call, (options) =>
          this.ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition }), options),
        ).catch(ignoreGone);
        this.inactive.add(taskDefinition);
      });
    await allSettled(asking);
  }

  private async ofFamily(
    familyPrefix: string,
    status: Status,
    call: Call,
    known: readonly string[] = [],
  ): Promise<readonly Revision[]> {
    const arns: string[] = [];
    await this.host.pace('ecsRead', call);
    const pages = paginateListTaskDefinitions(
      { client: this.ecs },
      { familyPrefix, status },
      { abortSignal: call.signal },
    );
    for await (const page of pages) arns.push(...(page.taskDefinitionArns ?? []));
    // Some implementations go by the beginning of a family's name.
    const own = arns.filter((arn) => arn.includes(`/${familyPrefix}:`) && !known.includes(arn));
    const described = await Promise.all(own.map((arn) => this.describe(arn, call)));
    return described.flatMap((one) => one ?? []);
  }

  /** Undefined: a call beside this one has taken it back. */
  private async describe(arn: string, call: Call): Promise<Revision | undefined> {
    const answer = await paced(this.host, 'ecsRead', call, (options) =>
      this.ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition: arn, include: ['TAGS'] }), options),
    ).catch(ignoreGone);
    return answer && { arn, tags: fromEcsTags(answer.tags) };
  }
}

function revisionOf(arn: string): number {
  return Number(arn.split(':').at(-1));
}

function isSame(have: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([key, value]) => have[key] === value);
}

/** ECS has no name of its own for a task definition that is not there. */
function ignoreGone(error: unknown): undefined {
  if (isNamed(error, ['Client'])) return undefined;
  throw error;
}
