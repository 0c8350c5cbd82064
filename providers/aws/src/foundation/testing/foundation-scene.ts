import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { faultProxy, Wire, type WireCall } from '@clusternator/conformance';
import { systemClock } from '@clusternator/core';
import { deriveToken, makeHost, pollUntilSettled, retrying, tagsFor, withCall } from '@clusternator/core/kit';
import type { Call, Connection, Foundation, FoundationDriver, FoundationSpec, Host } from '@clusternator/core/provider';
import { startEmulator, type Emulator, type EmulatorName } from '@clusternator/emulators/emulator';
import { tagNewBuckets } from '@clusternator/emulators/tagged-buckets';
import type { z } from 'zod';
import { errorOf } from '../../errors.ts';
import { openClients, type Clients } from '../clients.ts';
import { foundationConfigSchema, type FoundationConfig } from '../config.ts';
import { openFoundation } from '../open-foundation.ts';
import type { AwsFoundation } from '../outputs.ts';

export const REGION = 'us-east-1';
const KEYS = { AWS_ACCESS_KEY_ID: 'kit', AWS_SECRET_ACCESS_KEY: 'kit', AWS_REGION: REGION };
const ID = 'ground';
/** What MiniStack has to load. */
export const SERVICES = [
  'acm',
  'ec2',
  'ecr',
  'ecs',
  'elasticloadbalancing',
  'iam',
  'logs',
  's3',
  'servicediscovery',
  'sts',
  'tagging',
];
/** What reads in the protocols that post everything. */
const READS = /^(?:Describe|List|Get|BatchGet)/;

export type Config = Partial<z.input<typeof foundationConfigSchema>>;
export interface Owner {
  readonly project: string;
  readonly stage: string;
}
type Driver<F> = FoundationDriver<F> & Required<Pick<FoundationDriver<F>, 'plan'>>;
type Open<F> = (to: Connection<FoundationConfig, undefined>) => Driver<F>;
/** One project and stage, in a process of its own. */
export interface Tenant<F = AwsFoundation> {
  readonly host: Host;
  readonly driver: Driver<F>;
  spec(domain?: string): FoundationSpec;
  /** As core does: until it has settled, and again where the wire broke. */
  make(domain?: string): Promise<Foundation<F>>;
  read(): Promise<Foundation<F> | undefined>;
  remove(): Promise<void>;
  /** The same, dying of the first thing that goes wrong. */
  readonly mortal: { make(domain?: string): Promise<unknown>; remove(): Promise<unknown> };
  call<T>(doing: string, work: (call: Call) => Promise<T>): Promise<T>;
}
/** An account on an emulator, behind a fault proxy. `raw` goes around the proxy and the driver. */
export interface FoundationScene<F = AwsFoundation> {
  readonly wire: Wire;
  /** Around the proxy. */
  readonly url: string;
  readonly raw: Clients;
  /** @param operation - Left out: one of its own. */
  tenant(config?: Config, owner?: Partial<Owner>, operation?: string): Tenant<F>;
  end(): Promise<void>;
}

export function openScene(emulator: EmulatorName): Promise<FoundationScene> {
  return openSceneOf(emulator, SERVICES, openFoundation);
}

/** @param services - What MiniStack has to load. */
export async function openSceneOf<F>(
  emulator: EmulatorName,
  services: readonly string[],
  open: Open<F>,
): Promise<FoundationScene<F>> {
  return sceneAt(await startEmulator(emulator, services), open);
}

/** @param account - Where its interface answers, and how it is ended. @param folderOf - Of an artefact, by its digest. */
export async function sceneAt<F>(
  { url, end }: Emulator,
  open: Open<F>,
  folderOf: (digest: string) => string = noArtefacts,
): Promise<FoundationScene<F>> {
  const folder = mkdtempSync(path.join(tmpdir(), 'aws-foundation-'));
  const wire = new Wire();
  const proxy = await faultProxy(wire, { url }, folder, { isMutating });
  const buckets = await tagNewBuckets(url);
  const s3 = await faultProxy(wire, { url: buckets.url }, folder, { isMutating });
  const behind = [proxy, s3].map(({ front }) => ('url' in front ? front.url : ''));
  const endpoints = { AWS_ENDPOINT_URL: behind[0], AWS_ENDPOINT_URL_S3: behind[1] };
  const ends: (() => Promise<void>)[] = [];
  const hostOf = (owner: Owner, to: Readonly<Record<string, string | undefined>>): Host => {
    const { host, close } = makeHost({
      ...owner,
      env: { ...KEYS, ...to },
      now: () => new Date(),
      sleep: (seconds, signal) => systemClock.sleep(seconds, signal),
      pace: () => Promise.resolve(),
      emit: () => {},
      secret: () => Promise.reject(new Error('no secret has a value here')),
      folder: async ({ digest }) => Promise.resolve(folderOf(digest)),
    });
    ends.push(close);
    return host;
  };
  return {
    wire,
    url,
    raw: await openClients({ region: REGION }, hostOf({ project: 'raw', stage: 'raw' }, { AWS_ENDPOINT_URL: url })),
    tenant(config = {}, owner = {}, operation = `op-${String(ends.length)}`) {
      const whose = { project: 'shop', stage: 'main', ...owner };
      return tenantOf(open, hostOf(whose, endpoints), whose, { config, operation });
    },
    async end() {
      for (const close of ends) await close();
      await proxy.close();
      await s3.close();
      await buckets.end();
      await end();
      rmSync(folder, { recursive: true });
    },
  };
}

function noArtefacts(): never {
  throw new Error('there are no artefacts here');
}

function tenantOf<F>(
  open: Open<F>,
  host: Host,
  owner: Owner,
  { config: given, operation }: { readonly config: Config; readonly operation: string },
): Tenant<F> {
  const config = foundationConfigSchema.parse({ region: REGION, ...given });
  const driver = open({ config, host, foundation: undefined });
  const never = new AbortController().signal;
  const call = <T>(doing: string, work: (call: Call) => Promise<T>): Promise<T> =>
    withCall({ clock: systemClock, signal: never, operation, doing, deadlineSeconds: 60, errorOf }, work);
  const settle = <T>(doing: string, ask: (call: Call) => Promise<T & { phase: Foundation<unknown>['phase'] }>) =>
    call(doing, (one) => pollUntilSettled(() => ask(one), { clock: systemClock, call: one, doing }));
  const again =
    <T>(ask: (call: Call) => Promise<T>) =>
    (one: Call): Promise<T> =>
      retrying(() => ask(one), {
        ...{ clock: systemClock, call: one, doing: 'ask', errorOf },
        observe: () => Promise.resolve({ state: 'again' as const }),
      });
  const spec = (domain?: string): FoundationSpec => {
    const fingerprint = deriveToken(JSON.stringify({ given, domain }));
    const tags = tagsFor(owner, { type: 'foundation', id: ID, fingerprint });
    return { id: ID, fingerprint, tags, ...(domain !== undefined && { domain }) };
  };
  const ensuring = (domain?: string) => (one: Call) => driver.ensure(spec(domain), one);
  const reading = (one: Call) => driver.read({ id: ID }, one);
  const removing = async (one: Call) => {
    await driver.destroy({ id: ID }, one);
    return { phase: (await reading(one)) ? 'destroying' : 'active' } as const;
  };
  return {
    host,
    driver,
    spec,
    call,
    make: (domain) => settle('make', again(ensuring(domain))),
    read: () => call('read', again(reading)),
    async remove() {
      await settle('remove', again(removing));
    },
    mortal: { make: (domain) => settle('make', ensuring(domain)), remove: () => settle('remove', removing) },
  };
}

/** EC2, IAM, STS and load balancers post forms, others post JSON with the action in a header, S3 is plain REST. */
export function isMutating({ method, headers, body }: WireCall): boolean {
  if (method === 'GET' || method === 'HEAD') return false;
  const action = headers['x-amz-target']?.split('.').at(-1) ?? new URLSearchParams(body.toString()).get('Action');
  return action === null || !READS.test(action);
}

/** What a call asked for, as `CreateVpc` or `PUT /bucket?versioning`. */
export function actionOf({ method, path: url, headers, body }: WireCall): string {
  const action = headers['x-amz-target']?.split('.').at(-1) ?? new URLSearchParams(body.toString()).get('Action');
  return action ?? `${method} ${url.replace(/^\/[^/?]+/, '/bucket')}`;
}
