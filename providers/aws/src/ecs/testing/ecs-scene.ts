import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { RegisterTargetsCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { faultProxy, Wire, type WireCall } from '@clusternator/conformance';
import {
  systemClock,
  type Environment,
  type EnvironmentDriver,
  type EnvironmentSpec,
  type ServiceSpec,
  type SlotDriver,
  type SlotSpec,
} from '@clusternator/core';
import { deriveToken, makeHost, pollUntilSettled, tagsFor, withCall } from '@clusternator/core/kit';
import type { Call, Connection, Host } from '@clusternator/core/provider';
import type { z } from 'zod';
import { startEmulator, type Emulator, type EmulatorName } from '@clusternator/emulators/emulator';
import { openSlots } from '../../alb/open-slots.ts';
import { errorOf } from '../../errors.ts';
import type { AwsFoundation } from '../../foundation/outputs.ts';
import { providerConfigSchema, type ProviderConfig } from '../../provider-config.ts';
import { targetsOf } from '../handle.ts';
import { openEnvironments } from '../open-environments.ts';
import { rawClients, rawFoundation, type RawClients } from './raw-foundation.ts';

const REGION = 'us-east-1';
const KEYS = { accessKeyId: 'kit', secretAccessKey: 'kit' };
const READS = /^(?:Describe|List|Get|Filter|Head)/;
const SERVICES = [
  'route53',
  'ec2',
  'ecs',
  'elasticloadbalancing',
  'servicediscovery',
  'secretsmanager',
  'logs',
  'iam',
  's3',
];
const DIGEST = 'a'.repeat(64);
const HEALTH = { path: '/ready', statusFrom: 200, statusTo: 299, everySeconds: 5, withinSeconds: 60, healthyAfter: 2 };

/** Whose a scene's resources are. */
export interface Owner {
  readonly project: string;
  readonly stage: string;
}
/** What environments run on, and how the driver for it is opened. */
export interface Kind {
  readonly open: (connection: Tenant['connection']) => Promise<EnvironmentDriver>;
  readonly config?: Partial<z.input<typeof providerConfigSchema>>;
  /** Of all source trees. */
  readonly folder?: string;
  /** Keeps to the rate limits. Left out: nothing has to wait. */
  readonly pace?: Host['pace'];
}
const CONTAINERS: Kind = { open: openEnvironments };

/** One project and stage, and its driver, as a process of its own would have it. */
export interface Tenant {
  readonly owner: Owner;
  readonly host: Host;
  readonly environments: EnvironmentDriver;
  readonly slots: SlotDriver;
  readonly connection: Connection<ProviderConfig, AwsFoundation>;
  slotSpec(id: string, more?: Partial<SlotSpec>): SlotSpec;
  spec(id: string, services?: Readonly<Record<string, ServiceSpec>>, more?: Partial<EnvironmentSpec>): EnvironmentSpec;
  /** As core does: until it has settled. */
  make(spec: EnvironmentSpec): Promise<Environment>;
  remove(id: string): Promise<void>;
  call<T>(doing: string, work: (call: Call) => Promise<T>): Promise<T>;
}

/** An account on an emulator with a foundation in it, behind a fault proxy. `raw` goes around the proxy and the driver. */
export interface EcsScene {
  readonly wire: Wire;
  readonly foundation: AwsFoundation;
  readonly raw: RawClients;
  /** What more clients like those are made with. */
  readonly settings: Parameters<typeof rawClients>[0];
  tenant(owner?: Partial<Owner>, foundation?: AwsFoundation): Promise<Tenant>;
  /** Registers a task for each instance in each target group, as ECS does and no emulator of it. */
  serve(environment: Environment, instances?: number): Promise<void>;
  end(): Promise<void>;
}

/** A public service. */
export function web(more: Partial<ServiceSpec> = {}): ServiceSpec {
  return {
    artefact: { kind: 'image', reference: `registry.example/web@sha256:${DIGEST}` },
    port: 8080,
    protocol: 'http',
    route: '/',
    health: HEALTH,
    env: { LOG_LEVEL: 'info' },
    secrets: {},
    needs: {},
    mounts: {},
    cpus: 0.25,
    memoryMiB: 512,
    instances: { min: 1, max: 1 },
    ...more,
  };
}

/** One that others find by its name. */
export function database(more: Partial<ServiceSpec> = {}): ServiceSpec {
  const { route: _, health: __, ...service } = web({ port: 5432, protocol: 'tcp', ...more });
  return service;
}

export async function openScene(emulator: EmulatorName, kind = CONTAINERS): Promise<EcsScene> {
  return sceneAt(await startEmulator(emulator, SERVICES), kind);
}

/** @param account - Where its interface answers, and how it is ended. */
export async function sceneAt({ url, end }: Emulator, kind = CONTAINERS): Promise<EcsScene> {
  const folder = mkdtempSync(path.join(tmpdir(), 'aws-ecs-'));
  const wire = new Wire();
  const proxy = await faultProxy(wire, { url }, folder, { isMutating });
  const endpoint = 'url' in proxy.front ? proxy.front.url : '';
  const settings = { region: REGION, endpoint: url, credentials: KEYS };
  const raw = rawClients(settings);
  const foundation = await rawFoundation(raw, 'shop', REGION);
  const closing: (() => Promise<void>)[] = [];
  return {
    wire,
    foundation,
    raw,
    settings,
    async tenant(owner = {}, on = foundation) {
      const { tenant, close } = await openTenant({ project: 'shop', stage: 'main', ...owner }, endpoint, on, kind);
      closing.push(close);
      return tenant;
    },
    async serve({ handle }, instances = 1) {
      const Targets = Array.from({ length: instances }, (_, at) => ({ Id: `10.8.1.${String(at + 10)}`, Port: 8080 }));
      for (const TargetGroupArn of Object.values(targetsOf(handle))) {
        await raw.elb.send(new RegisterTargetsCommand({ TargetGroupArn, Targets }));
      }
    },
    async end() {
      for (const close of closing) await close();
      for (const client of Object.values(raw)) client.destroy();
      await proxy.close();
      await end();
      rmSync(folder, { recursive: true });
    },
  };
}

async function openTenant(
  owner: Owner,
  endpoint: string,
  foundation: AwsFoundation,
  kind: Kind,
): Promise<{ readonly tenant: Tenant; close(): Promise<void> }> {
  const { accessKeyId, secretAccessKey } = KEYS;
  const { host, close } = makeHost({
    ...owner,
    env: {
      AWS_REGION: REGION,
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    },
    now: () => new Date(),
    sleep: (seconds, signal) => systemClock.sleep(seconds, signal),
    pace: kind.pace ?? (() => Promise.resolve()),
    emit: () => {},
    secret: (name) => Promise.resolve(`the value of ${name}`),
    folder: () =>
      kind.folder === undefined ? Promise.reject(new Error('there are no files here')) : Promise.resolve(kind.folder),
  });
  const connection = { config: providerConfigSchema.parse({ region: REGION, ...kind.config }), host, foundation };
  const environments = await kind.open(connection);
  const slots = await openSlots(connection);
  const never = new AbortController().signal;
  const call = <T>(doing: string, work: (call: Call) => Promise<T>): Promise<T> =>
    withCall({ clock: systemClock, signal: never, operation: 'op', doing, deadlineSeconds: 120, errorOf }, work);
  const tenant: Tenant = {
    owner,
    host,
    environments,
    slots,
    connection,
    slotSpec(id, more = {}) {
      const host = (label: string): string => `${label}--${owner.project}.example.com`;
      const content = {
        id,
        hosts: [host(id)],
        standbyHosts: [host(`${id}-1`), host(`${id}-2`)],
        parts: { web: '/' },
        tls: false,
        drain: { requestsSeconds: 30, webSocketsSeconds: 1 },
        ...more,
      };
      const fingerprint = deriveToken(JSON.stringify(content));
      return { ...content, fingerprint, tags: tagsFor(owner, { type: 'slot', id, fingerprint }) };
    },
    call,
    spec(id, services = { web: web() }, more = {}) {
      const content: Omit<EnvironmentSpec, 'fingerprint' | 'tags'> = {
        id,
        hosts: [`${id}--${owner.project}.example.com`],
        services,
        sites: {},
        ...more,
      };
      const fingerprint = deriveToken(JSON.stringify(content));
      const tags = content.slot === undefined ? {} : { tags: { slot: content.slot } };
      return { ...content, fingerprint, tags: tagsFor(owner, { type: 'environment', id, fingerprint, ...tags }) };
    },
    make: (spec) =>
      call(`make ${spec.id}`, (one) =>
        pollUntilSettled(() => environments.ensure(spec, one), {
          clock: systemClock,
          call: one,
          doing: `make ${spec.id}`,
        }),
      ),
    remove: (id) =>
      call(`remove ${id}`, async (one) => {
        await pollUntilSettled(
          async () => {
            await environments.destroy({ id }, one);
            return { phase: (await environments.read({ id }, one)) ? ('destroying' as const) : ('active' as const) };
          },
          { clock: systemClock, call: one, doing: `remove ${id}` },
        );
      }),
  };
  return { tenant, close };
}

/** ELB and EC2 post forms, S3 has methods and paths, the others JSON with the action in a header. */
export function actionOf({ headers, body, method, path: at }: WireCall): string {
  const target = headers['x-amz-target']?.split('.').at(-1);
  if (target !== undefined) return target;
  if (at !== '/') return method === 'GET' ? 'ListObjectVersions' : (OF_S3[method] ?? method);
  return new URLSearchParams(body.toString()).get('Action') ?? '';
}
const OF_S3: Readonly<Record<string, string>> = { HEAD: 'HeadObject', PUT: 'PutObject', POST: 'DeleteObjects' };

export function isMutating(call: WireCall): boolean {
  return !READS.test(actionOf(call));
}
