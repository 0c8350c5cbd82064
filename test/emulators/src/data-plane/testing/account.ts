import {
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  EC2Client,
  ModifyVpcAttributeCommand,
} from '@aws-sdk/client-ec2';
import { CreateRepositoryCommand, ECRClient } from '@aws-sdk/client-ecr';
import {
  CreateClusterCommand,
  CreateServiceCommand,
  DeleteServiceCommand,
  DescribeServicesCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
  type RunTaskCommandInput,
  type ContainerDefinition,
  type CreateServiceCommandInput,
  type NetworkConfiguration,
  type Service,
} from '@aws-sdk/client-ecs';
import {
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  CreateRuleCommand,
  CreateTargetGroupCommand,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
  ModifyRuleCommand,
  ModifyTargetGroupAttributesCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { ChangeResourceRecordSetsCommand, CreateHostedZoneCommand, Route53Client } from '@aws-sdk/client-route-53';
import { pushBusybox } from '../../busybox-image.ts';
import { startEmulator, type EmulatorName } from '../../emulator.ts';
import { askThrough, eventually, loadDuring, type Tally } from '../../traffic.ts';
import { startDataPlane, type DataPlane } from '../data-plane.ts';

/** Of all tasks. It is nowhere unless a test makes it. */
export const TASK_ROLE = 'task';
export const ZONE = 'plane.example';
const REGION = 'us-east-1';
const SERVE =
  'B=/bin/busybox; $B mkdir -p /w; echo "$TEXT" >/w/index.html; echo ok >/w/ready; exec $B httpd -f -p 8080 -h /w';

/** A small account on an emulator, with a data plane: a load balancer, a cluster, a zone and an image. */
export class Account {
  /** Behind the data plane. */
  readonly ecs: ECSClient;
  readonly balancing: ElasticLoadBalancingV2Client;
  image = '';
  name = '';
  vpc = '';
  #subnets: string[] = [];
  #securityGroup = '';
  #listener = '';
  #priority = 1;

  private constructor(
    readonly plane: DataPlane,
    private readonly endEmulator: () => Promise<void>,
  ) {
    const at = this.at;
    this.ecs = new ECSClient(at);
    this.balancing = new ElasticLoadBalancingV2Client(at);
  }

  static async open(emulator: EmulatorName): Promise<Account> {
    const { url, end } = await startEmulator(emulator, 'all');
    try {
      const account = new Account(await startDataPlane({ emulator: url }), end);
      await account.#makeNetwork();
      await account.#makeBalancer();
      await account.#pushImage();
      await account.ecs.send(new CreateClusterCommand({ clusterName: 'main' }));
      return account;
    } catch (error) {
      await end();
      throw error;
    }
  }

  get at() {
    return {
      endpoint: this.plane.endpoint,
      region: REGION,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    };
  }

  async end(): Promise<void> {
    await this.plane.end();
    await this.endEmulator();
  }

  async group(Name: string, TargetType: 'ip' | 'instance' = 'ip'): Promise<string> {
    const { TargetGroups = [] } = await this.balancing.send(
      new CreateTargetGroupCommand({
        Name,
        Protocol: 'HTTP',
        Port: 8080,
        VpcId: this.vpc,
        TargetType,
        HealthCheckPath: '/ready',
        HealthCheckIntervalSeconds: 5,
        HealthyThresholdCount: 2,
        UnhealthyThresholdCount: 2,
        Matcher: { HttpCode: '200-299' },
      }),
    );
    const TargetGroupArn = TargetGroups[0]?.TargetGroupArn ?? '';
    const Attributes = [{ Key: 'deregistration_delay.timeout_seconds', Value: '60' }];
    await this.balancing.send(new ModifyTargetGroupAttributesCommand({ TargetGroupArn, Attributes }));
    return TargetGroupArn;
  }

  /** @returns The rule's ARN. */
  async rule(host: string, group: string): Promise<string> {
    const { Rules = [] } = await this.balancing.send(
      new CreateRuleCommand({
        ListenerArn: this.#listener,
        Priority: this.#priority++,
        Conditions: [{ Field: 'host-header', Values: [`${host}.${ZONE}`] }],
        Actions: [{ Type: 'forward', TargetGroupArn: group }],
      }),
    );
    return Rules[0]?.RuleArn ?? '';
  }

  async weigh(RuleArn: string, weights: Readonly<Record<string, number>>): Promise<void> {
    const TargetGroups = Object.entries(weights).map(([TargetGroupArn, Weight]) => ({ TargetGroupArn, Weight }));
    await this.balancing.send(
      new ModifyRuleCommand({ RuleArn, Actions: [{ Type: 'forward', ForwardConfig: { TargetGroups } }] }),
    );
  }

  get network(): NetworkConfiguration {
    return { awsvpcConfiguration: { subnets: this.#subnets, securityGroups: [this.#securityGroup] } };
  }

  /** A task definition, whose first container answers with the family's name. @returns Its ARN. */
  async define(
    family: string,
    container: Partial<ContainerDefinition> = {},
    others: readonly ContainerDefinition[] = [],
  ): Promise<string> {
    const { taskDefinition } = await this.ecs.send(
      new RegisterTaskDefinitionCommand({
        family,
        networkMode: 'awsvpc',
        requiresCompatibilities: ['FARGATE'],
        cpu: '256',
        memory: '512',
        containerDefinitions: [
          {
            name: 'app',
            image: this.image,
            memory: 256,
            essential: true,
            command: ['/bin/busybox', 'sh', '-c', SERVE],
            environment: [{ name: 'TEXT', value: family }],
            portMappings: [{ containerPort: 8080 }],
            linuxParameters: { initProcessEnabled: true },
            ...container,
          },
          ...others,
        ],
        taskRoleArn: `arn:aws:iam::123456789012:role/${TASK_ROLE}`,
        volumes: [{ name: 'shared' }],
      }),
    );
    return taskDefinition?.taskDefinitionArn ?? '';
  }

  /** Answers with its name. */
  async service(
    name: string,
    group: string,
    container: Partial<ContainerDefinition> = {},
    more: Partial<CreateServiceCommandInput> = {},
    others: readonly ContainerDefinition[] = [],
  ): Promise<void> {
    await this.ecs.send(
      new CreateServiceCommand({
        cluster: 'main',
        serviceName: name,
        taskDefinition: await this.define(name, container, others),
        desiredCount: 1,
        launchType: 'FARGATE',
        loadBalancers: [{ targetGroupArn: group, containerName: 'app', containerPort: 8080 }],
        networkConfiguration: this.network,
        ...more,
      }),
    );
  }

  /** Starts a task alone. @returns Its ARN. */
  async run(
    family: string,
    container: Partial<ContainerDefinition>,
    more: Partial<RunTaskCommandInput> = {},
  ): Promise<string> {
    const taskDefinition = await this.define(family, container);
    const { tasks = [] } = await this.ecs.send(
      new RunTaskCommand({
        cluster: 'main',
        taskDefinition,
        launchType: 'FARGATE',
        networkConfiguration: this.network,
        ...more,
      }),
    );
    return tasks[0]?.taskArn ?? '';
  }

  async described(name: string): Promise<Service> {
    const { services = [] } = await this.ecs.send(
      new DescribeServicesCommand({ cluster: 'main', services: [name], include: ['TAGS'] }),
    );
    return services[0] ?? {};
  }

  /** Waits for a deployment's end. */
  async eventuallyRolledOut(name: string, state: 'COMPLETED' | 'FAILED' = 'COMPLETED'): Promise<Service> {
    return eventually(async () => {
      const service = await this.described(name);
      return service.deployments?.[0]?.rolloutState === state ? service : undefined;
    });
  }

  async deleteService(service: string): Promise<void> {
    await this.ecs.send(new DeleteServiceCommand({ cluster: 'main', service, force: true }));
  }

  async states(TargetGroupArn: string): Promise<readonly string[]> {
    const { TargetHealthDescriptions = [] } = await this.balancing.send(
      new DescribeTargetHealthCommand({ TargetGroupArn }),
    );
    return TargetHealthDescriptions.map(({ TargetHealth }) => TargetHealth?.State ?? '').sort();
  }

  /** What a host answers through the proxy: the text, or the status of a failure. */
  async ask(host: string, path = '/'): Promise<string> {
    return askThrough(this.plane.proxyUrl, `http://${host}.${ZONE}${path}`);
  }

  /** Asks over and over while something is done. */
  async load(host: string, work: () => Promise<void>): Promise<Tally> {
    return loadDuring(async () => this.ask(host), work);
  }

  async #makeNetwork(): Promise<void> {
    const ec2 = new EC2Client(this.at);
    const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: '10.0.0.0/16' }));
    this.vpc = Vpc?.VpcId ?? '';
    // Without it moto breaks at RunTask.
    await ec2.send(new ModifyVpcAttributeCommand({ VpcId: this.vpc, EnableDnsHostnames: { Value: true } }));
    for (const [index, zone] of ['a', 'b'].entries()) {
      const { Subnet } = await ec2.send(
        new CreateSubnetCommand({
          VpcId: this.vpc,
          CidrBlock: `10.0.${String(index)}.0/24`,
          AvailabilityZone: `${REGION}${zone}`,
        }),
      );
      this.#subnets.push(Subnet?.SubnetId ?? '');
    }
    const { GroupId = '' } = await ec2.send(
      new CreateSecurityGroupCommand({ GroupName: 'app', Description: 'app', VpcId: this.vpc }),
    );
    this.#securityGroup = GroupId;
  }

  async #makeBalancer(): Promise<void> {
    const { LoadBalancers = [] } = await this.balancing.send(
      new CreateLoadBalancerCommand({ Name: 'front', Subnets: this.#subnets }),
    );
    const { LoadBalancerArn, DNSName = '' } = LoadBalancers[0] ?? {};
    this.name = DNSName;
    const listen = async (Port: number, Protocol: 'HTTP' | 'HTTPS') => {
      const { Listeners = [] } = await this.balancing.send(
        new CreateListenerCommand({
          LoadBalancerArn,
          Port,
          Protocol,
          DefaultActions: [
            {
              Type: 'fixed-response',
              FixedResponseConfig: {
                StatusCode: '404',
                ContentType: 'text/plain',
                MessageBody: `nobody at ${Protocol}`,
              },
            },
          ],
        }),
      );
      return Listeners[0]?.ListenerArn ?? '';
    };
    this.#listener = await listen(80, 'HTTP');
    await listen(443, 'HTTPS');
    const route53 = new Route53Client(this.at);
    const { HostedZone } = await route53.send(new CreateHostedZoneCommand({ Name: ZONE, CallerReference: ZONE }));
    const AliasTarget = { DNSName, HostedZoneId: 'Z35SXDOTRQ7X7K', EvaluateTargetHealth: false };
    await route53.send(
      new ChangeResourceRecordSetsCommand({
        HostedZoneId: HostedZone?.Id,
        ChangeBatch: {
          Changes: [{ Action: 'CREATE', ResourceRecordSet: { Name: `*.${ZONE}`, Type: 'A', AliasTarget } }],
        },
      }),
    );
  }

  /** Imported from the busybox of this machine, and pushed. */
  async #pushImage(): Promise<void> {
    const ecr = new ECRClient(this.at);
    const { repository } = await ecr.send(new CreateRepositoryCommand({ repositoryName: 'app' }));
    this.image = await pushBusybox(repository?.repositoryUri ?? '');
  }
}
