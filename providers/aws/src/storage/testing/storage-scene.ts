import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CreateSecurityGroupCommand, CreateSubnetCommand, CreateVpcCommand, EC2Client } from '@aws-sdk/client-ec2';
import { EFSClient } from '@aws-sdk/client-efs';
import { RDSClient } from '@aws-sdk/client-rds';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { faultProxy, Wire, type WireCall } from '@clusternator/conformance';
import { systemClock, type Snapshot, type SnapshotSpec, type Volume, type VolumeSpec } from '@clusternator/core';
import { deriveToken, makeHost, pollUntilSettled, tagsFor, withCall } from '@clusternator/core/kit';
import type { Call, Host, StorageDriver } from '@clusternator/core/provider';
import { startEmulator, type EmulatorName } from '@clusternator/emulators/emulator';
import { storageConfigSchema, type StorageConfig } from '../config.ts';
import { errorOf } from '../../errors.ts';
import type { AwsFoundation } from '../../foundation/outputs.ts';
import { openStorage } from '../open-storage.ts';

const REGION = 'us-east-1';
const KEYS = { accessKeyId: 'kit', secretAccessKey: 'kit' };
/** What reads in the protocols that post everything. */
const READS = /^(?:Describe|List|Get)/;

/** Whose a scene's resources are. */
export interface Owner {
  readonly project: string;
  readonly stage: string;
}
/** One project and stage, and its driver. */
export interface Tenant {
  readonly host: Host;
  readonly storage: StorageDriver;
  spec(id: string, more?: Partial<VolumeSpec>): VolumeSpec;
  snapshotSpec(id: string, volume: Volume): SnapshotSpec;
  /** As core does: until it has settled. */
  make(spec: VolumeSpec): Promise<Volume>;
  take(spec: SnapshotSpec): Promise<Snapshot>;
  remove(id: string, kind?: 'volumes' | 'snapshots'): Promise<void>;
  call<T>(doing: string, work: (call: Call) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** An account on an emulator with a network in it, behind a fault proxy. `raw` goes around the proxy and the driver. */
export interface StorageScene {
  readonly wire: Wire;
  readonly foundation: AwsFoundation;
  readonly raw: {
    readonly ec2: EC2Client;
    readonly efs: EFSClient;
    readonly rds: RDSClient;
    readonly secrets: SecretsManagerClient;
  };
  tenant(owner?: Partial<Owner>, config?: Partial<StorageConfig>): Promise<Tenant>;
  end(): Promise<void>;
}

export async function openScene(emulator: EmulatorName): Promise<StorageScene> {
  const { url, end } = await startEmulator(emulator);
  const folder = mkdtempSync(path.join(tmpdir(), 'aws-storage-'));
  const wire = new Wire();
  const proxy = await faultProxy(wire, { url }, folder, { isMutating });
  const endpoint = 'url' in proxy.front ? proxy.front.url : '';
  const settings = { region: REGION, endpoint: url, credentials: KEYS };
  const raw = {
    ec2: new EC2Client(settings),
    efs: new EFSClient(settings),
    rds: new RDSClient(settings),
    secrets: new SecretsManagerClient(settings),
  };
  const foundation = await network(raw.ec2);
  const tenants: Tenant[] = [];
  return {
    wire,
    foundation,
    raw,
    async tenant(owner = {}, config = {}) {
      const made = await openTenant({ project: 'shop', stage: 'main', ...owner }, { config, endpoint, foundation });
      tenants.push(made);
      return made;
    },
    async end() {
      for (const tenant of tenants) await tenant.close();
      for (const client of Object.values(raw)) client.destroy();
      await proxy.close();
      await end();
      rmSync(folder, { recursive: true });
    },
  };
}

async function openTenant(
  owner: Owner,
  to: { readonly config: Partial<StorageConfig>; readonly endpoint: string; readonly foundation: AwsFoundation },
): Promise<Tenant> {
  const { host, close } = makeHost({
    ...owner,
    env: { AWS_REGION: REGION, AWS_ENDPOINT_URL: to.endpoint, ...keysInEnv() },
    now: () => new Date(),
    sleep: (seconds, signal) => systemClock.sleep(seconds, signal),
    pace: () => Promise.resolve(),
    emit: () => {},
    secret: () => Promise.reject(new Error('no secret has a value here')),
    folder: () => Promise.reject(new Error('there are no artefacts here')),
  });
  const config = storageConfigSchema.parse({ region: REGION, ...to.config });
  const storage = await openStorage({ config, host, foundation: to.foundation });
  const never = new AbortController().signal;
  const call = <T>(doing: string, work: (call: Call) => Promise<T>): Promise<T> =>
    withCall({ clock: systemClock, signal: never, operation: 'op', doing, deadlineSeconds: 30, errorOf }, work);
  const settle = <S, R extends Volume | Snapshot>(
    driver: { ensure(spec: S, call: Call): Promise<R> },
    spec: S & { readonly id: string },
  ) =>
    call(`make ${spec.id}`, (one) =>
      pollUntilSettled(() => driver.ensure(spec, one), { clock: systemClock, call: one, doing: `make ${spec.id}` }),
    );
  const { volumes, snapshots } = storage;
  if (!snapshots) throw new Error('there are snapshots');
  return {
    host,
    storage,
    call,
    close,
    spec(id, more = {}) {
      const content = { id, kind: 'files' as const, sizeGiB: 20, ...more };
      const fingerprint = deriveToken(JSON.stringify({ ...content, from: undefined }));
      return { ...content, fingerprint, tags: tagsFor(owner, { type: 'volume', id, fingerprint }) };
    },
    snapshotSpec(id, volume) {
      const fingerprint = deriveToken(id, volume.id);
      return { id, volume, fingerprint, tags: tagsFor(owner, { type: 'snapshot', id, fingerprint }) };
    },
    make: (spec) => settle(volumes, spec),
    take: (spec) => settle(snapshots, spec),
    remove: (id, kind = 'volumes') =>
      call(`remove ${id}`, async (one) => {
        const driver = kind === 'volumes' ? volumes : snapshots;
        const gone = { phase: 'active' } as const;
        await pollUntilSettled(
          async () => {
            await driver.destroy({ id }, one);
            return (await driver.read({ id }, one)) ? ({ phase: 'destroying' } as const) : gone;
          },
          { clock: systemClock, call: one, doing: `remove ${id}` },
        );
      }),
  };
}

function keysInEnv(): Readonly<Record<string, string>> {
  return { AWS_ACCESS_KEY_ID: KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey };
}

/** RDS posts forms, Secrets Manager posts JSON with the action in a header, EFS is plain REST. */
function isMutating({ method, headers, body }: WireCall): boolean {
  if (method === 'GET') return false;
  const target = headers['x-amz-target'];
  if (target !== undefined) return !READS.test(target.split('.').at(-1) ?? '');
  const action = new URLSearchParams(body.toString()).get('Action');
  return action === null || !READS.test(action);
}

async function network(ec2: EC2Client): Promise<AwsFoundation> {
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: '10.9.0.0/16' }));
  const vpc = Vpc?.VpcId ?? '';
  const subnet = async (third: number, zone: string): Promise<string> => {
    const CidrBlock = `10.9.${String(third)}.0/24`;
    const command = new CreateSubnetCommand({ VpcId: vpc, CidrBlock, AvailabilityZone: `${REGION}${zone}` });
    return (await ec2.send(command)).Subnet?.SubnetId ?? '';
  };
  const group = async (name: string): Promise<string> => {
    const command = new CreateSecurityGroupCommand({ GroupName: name, Description: name, VpcId: vpc });
    return (await ec2.send(command)).GroupId ?? '';
  };
  const app = [await subnet(1, 'a'), await subnet(2, 'b')];
  return {
    region: REGION,
    account: '123456789012',
    vpc,
    subnets: { public: [], app, db: [await subnet(3, 'a'), await subnet(4, 'b')] },
    securityGroups: { loadBalancer: '', app: await group('app'), db: await group('db') },
    tasks: { subnets: app, publicAddress: false },
    // What storage does not look at.
    cluster: '',
    loadBalancer: { arn: '', dnsName: '', zone: '', http: '' },
    namespace: { id: '', name: '' },
    logGroup: '',
    repository: '',
    roles: { execution: '', task: '', instanceProfile: '' },
    bucket: '',
  };
}
