import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import type { DataPlane } from '@clusternator/emulators/data-plane';

import { KINDS } from './aws-kinds.ts';

interface Tag {
  readonly key: string;
  readonly value: string;
}
interface RuleAnswer {
  readonly RuleArn: string;
  readonly Conditions: readonly {
    readonly Field?: string;
    readonly Values?: readonly string[];
    readonly HostHeaderConfig?: { readonly Values?: readonly string[] };
  }[];
  readonly Actions: readonly {
    readonly TargetGroupArn?: string;
    readonly ForwardConfig?: { readonly TargetGroups?: readonly { TargetGroupArn: string; Weight?: number }[] };
  }[];
}
/** A service of the project as the account has it. */
export interface SeenService {
  readonly commit: string;
  readonly running: number;
  /** Of its image: `sha256:…`. */
  readonly digest: string;
  readonly targetGroup: string;
  readonly tags: Readonly<Record<string, string>>;
}
/** A bucket of the project as the account has it. That it is encrypted is AWS's own default. */
export interface SeenBucket {
  readonly name: string;
  readonly stage: string;
  /** `Enabled`, where it is. */
  readonly versioning: string | undefined;
  /** All four ways for the public to come in are blocked. */
  readonly isPrivate: boolean;
}

interface InstanceAnswer {
  readonly DBName: string;
  readonly Endpoint: { readonly Address: string };
  readonly Engine: string;
  readonly MasterUsername: string;
  readonly MasterUserSecret: { readonly SecretArn: string };
  readonly PubliclyAccessible: boolean;
  readonly StorageEncrypted: boolean;
}
export interface SeenDatabase {
  readonly host: string;
  readonly name: string;
  readonly user: string;
  readonly password: string;
  readonly engine: string;
  readonly isEncrypted: boolean;
  readonly isPublic: boolean;
}

/** Looks at the account with AWS's own command line, which knows nothing of Clusternator. */
export class AwsCli {
  readonly #endpoint: string;
  readonly #project: string;

  constructor(plane: DataPlane, project: string) {
    this.#endpoint = plane.endpoint;
    this.#project = project;
  }

  /** Those that run or are about to end. */
  async services(): Promise<readonly SeenService[]> {
    const { clusterArns } = await this.#run<{ clusterArns: readonly string[] }>('ecs', 'list-clusters');
    const found: SeenService[] = [];
    for (const cluster of clusterArns) {
      const { serviceArns } = await this.#run<{ serviceArns: readonly string[] }>(
        ...['ecs', 'list-services', '--cluster', cluster],
      );
      for (const arn of serviceArns) {
        const service = await this.#service(cluster, arn);
        if (service) found.push(service);
      }
    }
    return found.sort((one, other) => (one.commit < other.commit ? -1 : 1));
  }

  /** Has ECS stop all tasks of the services, as somebody else might. */
  async stopAll(): Promise<void> {
    const { clusterArns } = await this.#run<{ clusterArns: readonly string[] }>('ecs', 'list-clusters');
    for (const cluster of clusterArns) {
      const { serviceArns } = await this.#run<{ serviceArns: readonly string[] }>(
        ...['ecs', 'list-services', '--cluster', cluster],
      );
      for (const service of serviceArns)
        await this.#run(
          ...['ecs', 'update-service', '--cluster', cluster, '--service', service, '--desired-count', '0'],
        );
    }
  }

  /** How each build on CodeBuild went. */
  async builds(): Promise<readonly string[]> {
    const { ids } = await this.#run<{ ids: readonly string[] }>('codebuild', 'list-builds');
    if (ids.length === 0) return [];
    const { builds } = await this.#run<{ builds: readonly { buildStatus: string }[] }>(
      ...['codebuild', 'batch-get-builds', '--ids', ...ids],
    );
    return builds.map(({ buildStatus }) => buildStatus);
  }

  /** Instances of RDS, with the password that each has in Secrets Manager. */
  async databases(): Promise<readonly SeenDatabase[]> {
    const { DBInstances } = await this.#run<{ DBInstances: readonly InstanceAnswer[] }>('rds', 'describe-db-instances');
    return Promise.all(
      DBInstances.map(async (one) => {
        const { SecretString } = await this.#run<{ SecretString: string }>(
          ...['secretsmanager', 'get-secret-value', '--secret-id', one.MasterUserSecret.SecretArn],
        );
        return {
          host: one.Endpoint.Address,
          name: one.DBName,
          user: one.MasterUsername,
          password: (JSON.parse(SecretString) as { password: string }).password, // RDS's own
          engine: one.Engine,
          isEncrypted: one.StorageEncrypted,
          isPublic: one.PubliclyAccessible,
        };
      }),
    );
  }

  /** Domains that there are certificates for. */
  async certificates(): Promise<readonly string[]> {
    const domains = await this.#run<readonly string[]>(
      ...['acm', 'list-certificates', '--query', 'CertificateSummaryList[].DomainName'],
    );
    return [...domains].sort();
  }

  /** @returns Target groups that get traffic of a host, each with its weight. */
  async leadsTo(host: string): Promise<Readonly<Record<string, number>>> {
    const weights: Record<string, number> = {};
    for (const rule of await this.#rules()) if (hostsOf(rule).includes(host)) Object.assign(weights, weightsOf(rule));
    return weights;
  }

  /** @returns The values of each record set in the account's public zones, by `<name> <type>`. */
  async records(): Promise<Readonly<Record<string, readonly string[]>>> {
    const { HostedZones } = await this.#run<{
      HostedZones: readonly { readonly Id: string; readonly Config: { readonly PrivateZone?: boolean } }[];
    }>('route53', 'list-hosted-zones');
    const found: Record<string, readonly string[]> = {};
    for (const { Id } of HostedZones.filter(({ Config }) => Config.PrivateZone !== true)) {
      const { ResourceRecordSets } = await this.#run<{
        ResourceRecordSets: readonly {
          readonly Name: string;
          readonly Type: string;
          readonly ResourceRecords?: readonly { readonly Value: string }[];
        }[];
      }>('route53', 'list-resource-record-sets', '--hosted-zone-id', Id);
      for (const { Name, Type, ResourceRecords = [] } of ResourceRecordSets) {
        const name = Name.replaceAll('\\052', '*').replace(/\.$/, '');
        found[`${name} ${Type}`] = ResourceRecords.map(({ Value }) => Value.replace(/\.$/, ''));
      }
    }
    return found;
  }

  /** The project's own. */
  async buckets(): Promise<readonly SeenBucket[]> {
    const { Buckets } = await this.#run<{ Buckets: readonly { Name: string }[] }>('s3api', 'list-buckets');
    const found: SeenBucket[] = [];
    for (const { Name: name } of Buckets) {
      const ask = <T>(what: string): Promise<T> => this.#run<T>('s3api', what, '--bucket', name);
      const { TagSet } = await ask<{ TagSet: readonly { Key: string; Value: string }[] }>('get-bucket-tagging');
      const tags = Object.fromEntries(TagSet.map(({ Key, Value }) => [Key, Value]));
      if (tags.clusternator_project !== this.#project) continue;
      const { Status } = await ask<{ Status?: string }>('get-bucket-versioning');
      const { PublicAccessBlockConfiguration: block } = await ask<{
        PublicAccessBlockConfiguration: Readonly<Record<string, boolean>>;
      }>('get-public-access-block');
      found.push({
        name,
        stage: tags.clusternator_stage ?? '',
        versioning: Status,
        isPrivate: Object.values(block).filter(Boolean).length === 4,
      });
    }
    return found;
  }

  /** Has all requests of a host answered by nobody's part, as somebody in a hurry would. */
  async closeHost(host: string): Promise<void> {
    const rules = (await this.#rules()).filter((rule) => hostsOf(rule).includes(host));
    for (const { RuleArn } of rules) {
      const action = 'Type=fixed-response,FixedResponseConfig={StatusCode=503}';
      await this.#run('elbv2', 'modify-rule', '--rule-arn', RuleArn, '--actions', action);
    }
  }

  /** Makes a rule that is nobody's of Clusternator, on the listener that a host is answered by. */
  async addRule(beside: string, host: string): Promise<void> {
    const [listener] = (await this.#rules())
      .filter((rule) => hostsOf(rule).includes(beside))
      .map(({ listener }) => listener);
    await this.#run(
      ...['elbv2', 'create-rule', '--listener-arn', listener ?? '', '--priority', '40000'],
      ...['--conditions', `Field=host-header,Values=${host}`],
      ...[
        '--actions',
        'Type=fixed-response,FixedResponseConfig={StatusCode=200,ContentType=text/plain,MessageBody=foreign}',
      ],
    );
  }

  /** How many of each kind there are in the account, whoever's they are. What is told of for a while after its end does not count. */
  async inventory(): Promise<Readonly<Record<string, number>>> {
    return this.count(...KINDS.map(([kind]) => kind));
  }

  /** The same of these kinds alone. */
  async count(...kinds: readonly string[]): Promise<Readonly<Record<string, number>>> {
    const counted: Record<string, number> = {};
    for (const [kind, args, query] of KINDS.filter(([one]) => kinds.includes(one))) {
      counted[kind] = await this.#run<number>(...args, '--query', query);
    }
    return counted;
  }

  /** Removes all objects of all buckets, as nobody should. */
  async emptyBuckets(): Promise<void> {
    const { Buckets } = await this.#run<{ Buckets: readonly { Name: string }[] }>('s3api', 'list-buckets');
    for (const { Name } of Buckets) {
      const { Contents = [] } = await this.#run<{ Contents?: readonly { Key: string }[] }>(
        ...['s3api', 'list-objects-v2', '--bucket', Name],
      );
      for (const { Key } of Contents) await this.#run('s3api', 'delete-object', '--bucket', Name, '--key', Key);
    }
  }

  async #rules(): Promise<readonly (RuleAnswer & { readonly listener: string })[]> {
    const { LoadBalancers } = await this.#run<{ LoadBalancers: readonly { LoadBalancerArn: string }[] }>(
      ...['elbv2', 'describe-load-balancers'],
    );
    const found: (RuleAnswer & { readonly listener: string })[] = [];
    for (const { LoadBalancerArn } of LoadBalancers) {
      const { Listeners } = await this.#run<{ Listeners: readonly { ListenerArn: string }[] }>(
        ...['elbv2', 'describe-listeners', '--load-balancer-arn', LoadBalancerArn],
      );
      for (const { ListenerArn: listener } of Listeners) {
        const { Rules } = await this.#run<{ Rules: readonly RuleAnswer[] }>(
          ...['elbv2', 'describe-rules', '--listener-arn', listener],
        );
        found.push(...Rules.map((rule) => ({ ...rule, listener })));
      }
    }
    return found;
  }

  async #service(cluster: string, arn: string): Promise<SeenService | undefined> {
    const { services } = await this.#run<{
      services: readonly {
        readonly status: string;
        readonly tags?: readonly Tag[];
        readonly runningCount: number;
        readonly taskDefinition: string;
        readonly loadBalancers: readonly { readonly targetGroupArn: string }[];
      }[];
    }>('ecs', 'describe-services', '--cluster', cluster, '--services', arn, '--include', 'TAGS');
    const [service] = services;
    const tagOf = (name: string): string | undefined => service?.tags?.find(({ key }) => key === name)?.value;
    if (!service || service.status === 'INACTIVE' || tagOf('clusternator_project') !== this.#project) return undefined;
    const { taskDefinition } = await this.#run<{
      taskDefinition: { readonly containerDefinitions: readonly { readonly image: string }[] };
    }>('ecs', 'describe-task-definition', '--task-definition', service.taskDefinition);
    return {
      commit: tagOf('clusternator_commit') ?? '',
      running: service.runningCount,
      digest: taskDefinition.containerDefinitions[0]?.image.split('@')[1] ?? '',
      targetGroup: service.loadBalancers[0]?.targetGroupArn ?? '',
      tags: Object.fromEntries(service.tags?.map(({ key, value }) => [key, value]) ?? []),
    };
  }

  async #run<T>(...args: readonly string[]): Promise<T> {
    const env = {
      PATH: process.env.PATH,
      AWS_ACCESS_KEY_ID: 'e2e',
      AWS_SECRET_ACCESS_KEY: 'e2e',
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_EC2_METADATA_DISABLED: 'true',
    };
    const { stdout } = await promisify(execFile)(
      'aws',
      ['--endpoint-url', this.#endpoint, '--output', 'json', ...args],
      {
        env,
        maxBuffer: 2 ** 24,
      },
    );
    return JSON.parse(stdout === '' ? '{}' : stdout) as T;
  }
}

function hostsOf({ Conditions }: RuleAnswer): readonly string[] {
  return Conditions.flatMap(({ Field, Values = [], HostHeaderConfig }) =>
    Field === 'host-header' ? [...Values, ...(HostHeaderConfig?.Values ?? [])] : [],
  );
}

function weightsOf({ Actions }: RuleAnswer): Readonly<Record<string, number>> {
  const weights: Record<string, number> = {};
  for (const { TargetGroupArn, ForwardConfig } of Actions) {
    for (const { TargetGroupArn: arn, Weight = 1 } of ForwardConfig?.TargetGroups ?? [])
      if (Weight > 0) weights[arn] = Weight;
    if (TargetGroupArn !== undefined && !ForwardConfig?.TargetGroups?.length) weights[TargetGroupArn] = 1;
  }
  return weights;
}
