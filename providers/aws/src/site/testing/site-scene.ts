import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CloudFrontClient } from '@aws-sdk/client-cloudfront';
import { ListObjectVersionsCommand, S3Client } from '@aws-sdk/client-s3';
import { faultProxy, Wire } from '@clusternator/conformance';
import {
  systemClock,
  type Environment,
  type EnvironmentDriver,
  type EnvironmentSpec,
  type SlotDriver,
  type SlotSpec,
} from '@clusternator/core';
import { deriveToken, makeHost, pollUntilSettled, tagsFor, withCall } from '@clusternator/core/kit';
import type { Call, Host, SiteSpec } from '@clusternator/core/provider';
import { startEmulator } from '@clusternator/emulators/emulator';
import { tagNewBuckets } from '@clusternator/emulators/tagged-buckets';
import { configSchema } from '../../config.ts';
import { errorOf } from '../../errors.ts';
import { foundationConfigSchema } from '../../foundation/config.ts';
import { isMutating, REGION } from '../../foundation/testing/foundation-scene.ts';
import { openStore } from '../clients.ts';
import { openSiteFoundation } from '../ground/open-ground.ts';
import type { SiteFoundation } from '../ground/outputs.ts';
import { openSiteEnvironments, openSiteSlots } from '../open-sites.ts';
import { EMULATOR, SERVICES } from './ground-scene.ts';
import { runRouter, type Routed } from './run-router.ts';

export const DOMAIN = 'preview.example.com';
const KEYS = { AWS_ACCESS_KEY_ID: 'kit', AWS_SECRET_ACCESS_KEY: 'kit', AWS_REGION: REGION };

export interface Owner {
  readonly project: string;
  readonly stage: string;
}
/** One project and stage, and its drivers, as a process of its own would have them. */
export interface SiteTenant {
  readonly host: Host;
  readonly environments: EnvironmentDriver;
  readonly slots: SlotDriver;
  /** @param sites - By name: the files by path. */
  spec(id: string, sites?: Readonly<Record<string, Files>>, more?: Partial<EnvironmentSpec>): EnvironmentSpec;
  slotSpec(id: string, more?: Partial<SlotSpec>): SlotSpec;
  make(spec: EnvironmentSpec): Promise<Environment>;
  remove(id: string): Promise<void>;
  call<T>(doing: string, work: (call: Call) => Promise<T>): Promise<T>;
}
export type Files = Readonly<Record<string, string>>;

/** An account with a foundation of sites in it, behind a fault proxy; what is asked of it otherwise goes around the proxy. */
export interface SiteScene {
  readonly wire: Wire;
  readonly foundation: SiteFoundation;
  readonly s3: S3Client;
  readonly cloudFront: CloudFrontClient;
  tenant(owner?: Partial<Owner>): Promise<SiteTenant>;
  /** All that is in the key value store. */
  store(): Promise<ReadonlyMap<string, string>>;
  /** Writes to it as somebody else would. */
  write(key: string, value: string | undefined): Promise<void>;
  /** All keys in the bucket, of every version. */
  objects(): Promise<readonly string[]>;
  /** Where the distribution's function leads a request. */
  ask(host: string, uri?: string, random?: number): Promise<Routed>;
  end(): Promise<void>;
}

export async function openSiteScene(): Promise<SiteScene> {
  const { url, end } = await startEmulator(EMULATOR, SERVICES);
  const folder = mkdtempSync(path.join(tmpdir(), 'aws-sites-'));
  const wire = new Wire();
  const proxy = await faultProxy(wire, { url }, folder, { isMutating });
  const buckets = await tagNewBuckets(url);
  const closing: (() => Promise<void>)[] = [];
  const artefacts = new Map<string, string>();
  const hostOf = (owner: Owner, env: Readonly<Record<string, string>>): Host => {
    const { host, close } = makeHost({
      ...owner,
      env: { ...KEYS, ...env },
      now: () => new Date(),
      sleep: (seconds, signal) => systemClock.sleep(seconds, signal),
      pace: () => Promise.resolve(),
      emit: () => {},
      secret: () => Promise.reject(new Error('no secret has a value here')),
      folder: ({ digest }) => Promise.resolve(artefacts.get(digest) ?? ''),
    });
    closing.push(close);
    return host;
  };
  const raw = hostOf({ project: 'shop', stage: 'main' }, { AWS_ENDPOINT_URL: url, AWS_ENDPOINT_URL_S3: buckets.url });
  const foundation = await makeFoundation(raw);
  const around = { endpoint: url, region: REGION, credentials: { accessKeyId: 'kit', secretAccessKey: 'kit' } };
  const s3 = new S3Client({ ...around, forcePathStyle: true });
  const cloudFront = new CloudFrontClient(around);
  const store = await openStore(configSchema.parse({}), raw, foundation.keyValueStore);
  const all = () => callOf('look', (call) => store.all(call));
  return {
    wire,
    foundation,
    s3,
    cloudFront,
    store: all,
    async tenant(owner = {}) {
      const whose = { project: 'shop', stage: 'main', ...owner };
      const host = hostOf(whose, { AWS_ENDPOINT_URL: 'url' in proxy.front ? proxy.front.url : '' });
      const to = { config: configSchema.parse({ region: REGION }), host, foundation };
      const drivers = { environments: await openSiteEnvironments(to), slots: await openSiteSlots(to) };
      return tenantOf(whose, host, drivers, (files) => keep(artefacts, folder, files));
    },
    write: (key, value) =>
      callOf('write', async (call) => {
        await store.write(new Map([[key, value]]), await store.version(call), call);
      }),
    async objects() {
      const { Versions = [], DeleteMarkers = [] } = await s3.send(
        new ListObjectVersionsCommand({ Bucket: foundation.bucket }),
      );
      return [...Versions, ...DeleteMarkers].flatMap(({ Key }) => Key ?? []).sort();
    },
    ask: async (host, uri = '/', random = 0.5) => runRouter(await all(), { host, uri }, random),
    async end() {
      for (const close of closing) await close();
      s3.destroy();
      cloudFront.destroy();
      await proxy.close();
      await buckets.end();
      await end();
      rmSync(folder, { recursive: true });
    },
  };
}

async function makeFoundation(host: Host): Promise<SiteFoundation> {
  const config = foundationConfigSchema.parse({ region: REGION, kind: 'sites' });
  const driver = openSiteFoundation({ config, host, foundation: undefined });
  const tags = tagsFor(host, { type: 'foundation', id: 'main', fingerprint: 'f' });
  const spec = { id: 'main', fingerprint: 'f', tags, domain: DOMAIN };
  const doing = 'make the foundation';
  const { outputs } = await callOf(doing, (call) =>
    pollUntilSettled(() => driver.ensure(spec, call), { clock: systemClock, call, doing }),
  );
  if (!outputs) throw new Error('the foundation is not whole');
  return outputs;
}

function callOf<T>(doing: string, work: (call: Call) => Promise<T>): Promise<T> {
  const { signal } = new AbortController();
  return withCall({ clock: systemClock, signal, operation: 'op', doing, deadlineSeconds: 60, errorOf }, work);
}

/** @returns The artefact's digest. */
function keep(artefacts: Map<string, string>, folder: string, files: Files): string {
  const digest = deriveToken(JSON.stringify(files));
  const top = path.join(folder, digest);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(top, name)), { recursive: true });
    writeFileSync(path.join(top, name), text);
  }
  artefacts.set(digest, top);
  return digest;
}

function tenantOf(
  owner: Owner,
  host: Host,
  drivers: Pick<SiteTenant, 'environments' | 'slots'>,
  keepFiles: (files: Files) => string,
): SiteTenant {
  const named = (label: string): string => `${label}--${owner.project}.${DOMAIN}`;
  const settle = (doing: string, ask: (call: Call) => Promise<Pick<Environment, 'phase'>>) =>
    callOf(doing, (call) => pollUntilSettled(() => ask(call), { clock: systemClock, call, doing }));
  return {
    host,
    ...drivers,
    call: callOf,
    spec(id, sites = { web: { 'index.html': id } }, more = {}) {
      const specs = Object.entries(sites).map(([name, files], at): [string, SiteSpec] => [
        name,
        { artefact: { kind: 'files', digest: keepFiles(files), bytes: 1 }, route: at === 0 ? '/' : `/${name}` },
      ]);
      const content = { id, hosts: [named(id)], services: {}, sites: Object.fromEntries(specs), ...more };
      const fingerprint = deriveToken(JSON.stringify(content));
      return { ...content, fingerprint, tags: tagsFor(owner, { type: 'environment', id, fingerprint }) };
    },
    slotSpec(id, more = {}) {
      const content = {
        id,
        hosts: [named(id)],
        standbyHosts: [named(`${id}-1`), named(`${id}-2`)],
        parts: { web: '/' },
        tls: true,
        drain: { requestsSeconds: 30, webSocketsSeconds: 1 },
        ...more,
      };
      const fingerprint = deriveToken(JSON.stringify(content));
      return { ...content, fingerprint, tags: tagsFor(owner, { type: 'slot', id, fingerprint }) };
    },
    // It settles in one call, so that this is what it gave.
    make: async (spec) =>
      (await settle(`make ${spec.id}`, (call) => drivers.environments.ensure(spec, call))) as Environment,
    async remove(id) {
      await settle(`remove ${id}`, async (call) => {
        await drivers.environments.destroy({ id }, call);
        return { phase: (await drivers.environments.read({ id }, call)) ? 'destroying' : 'active' };
      });
    },
  };
}
