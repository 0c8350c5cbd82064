import { CreateRepositoryCommand, ECRClient } from '@aws-sdk/client-ecr';
import { ChangeResourceRecordSetsCommand, CreateHostedZoneCommand, Route53Client } from '@aws-sdk/client-route-53';
import type { Environment, ServiceSpec } from '@clusternator/core';
import { pushBusybox } from '@clusternator/emulators/busybox-image';
import { startDataPlane, type DataPlane } from '@clusternator/emulators/data-plane';
import { startEmulator, type EmulatorName } from '@clusternator/emulators/emulator';
import { askThrough, eventually, loadDuring, type Tally } from '@clusternator/emulators/traffic';
import { sceneAt, web, type EcsScene, type Kind, type Tenant } from './ecs-scene.ts';

const ZONE = 'example.com';
/** Says its text, and once that is there, that it is ready. */
const SERVE =
  'B=/bin/busybox; $B mkdir -p /w/api; echo "$TEXT" >/w/index.html; echo "$TEXT api" >/w/api/index.html; echo "$TEXT starts"; echo ok >/w/ready; exec $B httpd -f -p 8080 -h /w';

/** A scene whose tasks are containers, and whose load balancer answers. */
export interface LiveScene extends EcsScene {
  readonly plane: DataPlane;
  /** A public service that answers with a text. */
  says(text: string, more?: Partial<ServiceSpec>): ServiceSpec;
  /** Makes it, and waits until it is healthy. */
  made(by: Tenant, id: string, services: Readonly<Record<string, ServiceSpec>>): Promise<Environment>;
  /** What a host answers at the load balancer: the text, or the status of a failure. */
  ask(host: string, path?: string): Promise<string>;
  /** Asks over and over, from four sides at once, while something is done. */
  load(host: string, work: () => Promise<unknown>): Promise<Tally>;
}

/** @param kind - Left out: containers. */
export async function openLiveScene(emulator: EmulatorName, kind?: Kind): Promise<LiveScene> {
  const { url, end } = await startEmulator(emulator, 'all');
  const plane = await startDataPlane({ emulator: url });
  const account = {
    url: plane.endpoint,
    async end() {
      await plane.end();
      await end();
    },
  };
  const scene = await sceneAt(account, kind);
  const at = { endpoint: plane.endpoint, region: scene.foundation.region, credentials: KEYS };
  const [image] = await Promise.all([pushImage(at), nameAll(at, scene.foundation.loadBalancer)]);
  const ask = (host: string, path = '/'): Promise<string> => askThrough(plane.proxyUrl, `http://${host}${path}`);
  return {
    ...scene,
    plane,
    says: (text, more = {}) =>
      web({
        artefact: { kind: 'image', reference: image },
        command: ['/bin/busybox', 'sh', '-c', SERVE],
        native: { container: { linuxParameters: { initProcessEnabled: true } } },
        ...more,
        env: { TEXT: text, ...more.env },
      }),
    async made(by, id, services) {
      const environment = await by.make(by.spec(id, services));
      await eventually(async () =>
        (await by.call('health', (call) => by.environments.health(environment, call))).healthy ? true : undefined,
      );
      return environment;
    },
    ask,
    load: (host, work) => loadDuring(() => ask(host), work),
  };
}

const KEYS = { accessKeyId: 'kit', secretAccessKey: 'kit' };
type At = ConstructorParameters<typeof ECRClient>[0];

/** Imported from the busybox of this machine, and pushed. @returns It by its digest. */
async function pushImage(at: At): Promise<string> {
  const ecr = new ECRClient(at ?? {});
  const { repository } = await ecr.send(new CreateRepositoryCommand({ repositoryName: 'shop' }));
  ecr.destroy();
  return pushBusybox(repository?.repositoryUri ?? '');
}

/** As the record of a foundation: all names of the zone lead to the load balancer. */
async function nameAll(at: At, { dnsName: DNSName, zone: HostedZoneId }: EcsScene['foundation']['loadBalancer']) {
  const route53 = new Route53Client(at ?? {});
  const { HostedZone } = await route53.send(new CreateHostedZoneCommand({ Name: ZONE, CallerReference: ZONE }));
  const AliasTarget = { DNSName, HostedZoneId, EvaluateTargetHealth: false };
  const ResourceRecordSet = { Name: `*.${ZONE}`, Type: 'A' as const, AliasTarget };
  const ChangeBatch = { Changes: [{ Action: 'CREATE' as const, ResourceRecordSet }] };
  await route53.send(new ChangeResourceRecordSetsCommand({ HostedZoneId: HostedZone?.Id, ChangeBatch }));
  route53.destroy();
}
