import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import type { ResourceRecordSet } from '@aws-sdk/client-route-53';
import type { UserKeys } from '../iam.ts';
import { leadsTo, recordSets, serveHostedZones } from '../route53-dns.ts';
import { Certificates } from './certificates.ts';
import { clientsAt, closeAll } from './clients.ts';
import { Distributions } from './cloudfront/distributions.ts';
import { Edge } from './cloudfront/edge.ts';
import { ContainerLogs } from './container-logs.ts';
import { CodeBuildOverlay } from './codebuild/codebuild-overlay.ts';
import { ecrImages } from './ecr-images.ts';
import { ecrAnswer } from './ecr-overlay.ts';
import { Disks } from './disks.ts';
import { EcsOverlay } from './ecs-overlay.ts';
import { ElbOverlay } from './elb-overlay.ts';
import { Engine } from './engine.ts';
import { ExecSessions } from './exec/exec-sessions.ts';
import { MachineSessions } from './exec/machine-sessions.ts';
import { formRefusal, type Asked } from './exchange.ts';
import { ForwardMemory } from './forward-memory.ts';
import { listenAsProxy } from './forward-proxy.ts';
import { listenInFront } from './front.ts';
import { LoadBalancers } from './load-balancers.ts';
import type { Plane } from './plane.ts';
import { startRegistry } from './registry.ts';
import { Repeated } from './repeated.ts';
import { Machines } from './machines.ts';
import { listenAsRelay } from './relay.ts';
import { makeScratch, sweepScratch } from './scratch.ts';
import { Services } from './services.ts';
import { Targets } from './targets.ts';

const LOOPBACK = '127.0.0.1';
const SERVICES_MILLISECONDS = 500;
const BALANCERS_MILLISECONDS = 2000;
const ZONES_MILLISECONDS = 2000;
const DISTRIBUTIONS_MILLISECONDS = 2000;

/** What a data plane needs to know. */
export interface DataPlaneOptions {
  /** Where the emulator answers, such as `http://127.0.0.1:4566`. */
  readonly emulator: string;
  readonly region?: string;
  /** Of one who may do anything, where the emulator looks at who asks. */
  readonly credentials?: UserKeys;
  /** How many of AWS's seconds pass in one: for intervals, delays and grace, not for what programs take. 20 unless told otherwise. */
  readonly speed?: number;
}

/** A task that the data plane knows. */
export interface RunningTask {
  readonly arn: string;
  /** `service:<name>` of those that belong to a service. */
  readonly group: string;
  readonly address: string;
  readonly status: string;
  /** Of the engine. */
  readonly containers: readonly string[];
}

/** An instance of an Auto Scaling group that the data plane knows. */
export interface RunningMachine {
  readonly id: string;
  /** The Auto Scaling group's name. */
  readonly group: string;
  readonly address: string;
  /** Of the engine, once it is started. */
  readonly container: string | undefined;
}

/** A data plane that runs. */
export interface DataPlane {
  /** The public interface: the emulator's, with what is true. */
  readonly endpoint: string;
  /** An HTTP proxy for `http:` and `https:`, at which the names of the hosted zones and of load balancers lead to listeners. */
  readonly proxyUrl: string;
  /** The certificate authority behind HTTPS, in PEM. */
  readonly caFile: string;
  /** Of the hosted zones' server on loopback, UDP and TCP. */
  readonly dnsPort: number;
  /** `127.0.0.1:<port>`, a registry without a password. */
  readonly registry: string;
  /** Where a listener of a load balancer, or CloudFront, really is. @param name - Its DNS name, or one that leads to it. */
  addressOf(name: string, port?: number): Promise<string | undefined>;
  tasks(): readonly RunningTask[];
  machines(): readonly RunningMachine[];
  /** Cuts the connections of all sessions of ECS Exec and Session Manager. */
  cutSessions(): void;
  /** Ends what sessions run whose clients are gone, as AWS does after 20 minutes. */
  endIdleSessions(): Promise<void>;
  /** Looks at once at what the public interface tells. */
  refresh(): Promise<void>;
  /** Removes all that it made on the engine. */
  end(): Promise<void>;
}

/** Plays the data plane of ECS, EC2 Auto Scaling, Session Manager, Elastic Load Balancing, CloudFront, CodeBuild, ECR and Route 53 over an emulator of their control planes. */
export async function startDataPlane(options: DataPlaneOptions): Promise<DataPlane> {
  const { emulator, region = 'us-east-1', speed = 20 } = options;
  const undo: (() => unknown)[] = [];
  const end = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    return await start();
  } catch (error) {
    await end();
    throw error;
  }

  async function start(): Promise<DataPlane> {
    const left = sweepScratch();
    const folder = makeScratch();
    undo.push(() => rmSync(folder, { recursive: true, force: true }));
    const engine = await Engine.open(randomBytes(4).toString('hex'));
    undo.push(async () => engine.end());
    for (const host of left) await engine.forgetImagesOf(host);
    const registry = await startRegistry(folder);
    undo.push(
      async () => registry.end(),
      async () => engine.forgetImagesOf(registry.host),
    );
    const certificates = await Certificates.make(folder);
    const clients = clientsAt(emulator, region, options.credentials);
    undo.push(() => closeAll(clients));

    const targets = new Targets(
      clients,
      speed,
      (group) => services.converge(group),
      (address) => machines.addressOf(address),
    );
    const memory = new ForwardMemory();
    const plane: Plane = { clients, engine, logs: new ContainerLogs(clients.logs, engine), registry, targets, speed };
    const services = new Services(plane);
    let endpoint = '';
    const disks = new Disks(plane, folder, (machine) => machines.containerOf(machine));
    const machines: Machines = new Machines(plane, region, () => endpoint, disks);
    const balancers = new LoadBalancers(clients.balancing, memory, targets, certificates);
    const distributions = new Distributions(clients.cloudFront, clients.stores);
    const edge = await Edge.listen(distributions, clients.s3, certificates);
    undo.push(
      async () => edge.end(),
      async () => services.end(),
      async () => disks.end(),
      async () => machines.end(),
      () => targets.end(),
      async () => balancers.end(),
    );

    let sets: readonly ResourceRecordSet[] = [];
    const looks = {
      services: new Repeated(async () => services.refresh(), SERVICES_MILLISECONDS),
      machines: new Repeated(async () => machines.refresh(), SERVICES_MILLISECONDS),
      balancers: new Repeated(async () => balancers.refresh(), BALANCERS_MILLISECONDS),
      distributions: new Repeated(async () => distributions.refresh(), DISTRIBUTIONS_MILLISECONDS),
      zones: new Repeated(async () => {
        sets = await recordSets(clients.route53);
      }, ZONES_MILLISECONDS),
    };
    undo.push(async () => Promise.all(Object.values(looks).map(async (look) => look.end())));
    const refresh = async () => {
      await looks.balancers.now();
      await Promise.all([looks.services.now(), looks.machines.now(), looks.zones.now(), looks.distributions.now()]);
    };

    /** By the zones as last seen, which may not have the name yet. */
    const portOf = async (name: string, port: number): Promise<number | undefined> => {
      const at = () => {
        const end = leadsTo(name, sets);
        return distributions.has(end) ? edge.portFor(port) : balancers.listener(end, port)?.port;
      };
      if (at() === undefined) {
        await Promise.all([looks.zones.now(), looks.balancers.now(), looks.distributions.now()]);
      }
      return at();
    };
    const builds = new CodeBuildOverlay(clients.logs, folder, region, () => front.url);
    undo.push(async () => builds.end());
    const sessions = await ExecSessions.listen(services);
    undo.push(async () => sessions.end());
    const onMachines = new MachineSessions(plane, machines, sessions);
    const ecs = new EcsOverlay(services, targets, sessions, async () => looks.balancers.now());
    const elb = new ElbOverlay(targets, memory);
    const front = await listenInFront(emulator, {
      async before(asked) {
        const group = asked.form.get('AutoScalingGroupName') ?? '';
        if (asked.action === 'autoscaling.CreateAutoScalingGroup' && machines.has(group))
          return formRefusal('AlreadyExists', `AutoScalingGroup by this name already exists - ${group}`);
        return (
          (await ecrImages(asked, registry.host)) ??
          (await disks.before(asked)) ??
          (await onMachines.before(asked)) ??
          builds.before(asked) ??
          ecs.before(asked)
        );
      },
      async after(asked, answer) {
        const told = asked.action.startsWith('ecr.')
          ? ecrAnswer(asked, answer, registry.host)
          : await ecs.after(asked, builds.after(asked, answer));
        const seen = await disks.after(asked, told);
        const amended = asked.action.startsWith('elb.') ? elb.after(asked, seen) : seen;
        lookAfter(asked);
        if (asked.action === 'autoscaling.DeleteAutoScalingGroup') {
          // AWS tells of it until its machines have ended, the emulator at once no more.
          await looks.machines.now();
          await machines.settled();
        }
        return amended;
      },
      zonesChanged: () => void looks.zones.now(),
    });
    const relay = await listenAsRelay(engine.gateway, Number(new URL(front.url).port));
    endpoint = relay.url;
    undo.push(
      async () => front.end(),
      async () => relay.end(),
    );
    const proxy = await listenAsProxy(portOf);
    undo.push(async () => proxy.end());
    const dns = await serveHostedZones(clients.route53, (name) =>
      balancers.has(name) || distributions.has(name) ? LOOPBACK : undefined,
    );
    undo.push(async () => dns.end());
    await refresh();

    /** What was written is looked at soon, as on AWS: not before the answer. */
    function lookAfter({ action, form }: Asked): void {
      if (/^ecs\.(?:Create|Update|Delete)Service$/.test(action)) void looks.services.now();
      if (/^autoscaling\.(?:Create|Update)AutoScalingGroup$/.test(action)) void looks.machines.now();
      if (/^elb\.(?:Register|Deregister)Targets$/.test(action)) {
        void balancers.refreshTargets(form.get('TargetGroupArn') ?? '').catch(() => undefined);
      } else if (action.startsWith('elb.') && !action.startsWith('elb.Describe')) void looks.balancers.now();
    }

    return {
      endpoint: front.url,
      proxyUrl: proxy.url,
      caFile: certificates.caFile,
      dnsPort: dns.port,
      registry: registry.host,
      async addressOf(name, port = 80) {
        const real = await portOf(name, port);
        return real === undefined ? undefined : `${LOOPBACK}:${String(real)}`;
      },
      tasks: () =>
        services.tasks.map(({ arn, place, address, status, containers }) => ({
          arn,
          group: place.group,
          address,
          status,
          containers,
        })),
      machines: () =>
        machines.all.map(({ place: { id, group }, address, container }) => ({ id, group, address, container })),
      cutSessions: () => sessions.cut(),
      endIdleSessions: async () => sessions.endIdle(),
      refresh,
      end,
    };
  }
}
