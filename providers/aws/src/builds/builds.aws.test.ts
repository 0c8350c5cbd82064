import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { BatchGetBuildsCommand, ListBuildsForProjectCommand, ListProjectsCommand } from '@aws-sdk/client-codebuild';
import { DescribeImagesCommand } from '@aws-sdk/client-ecr';
import { GetRolePolicyCommand, ListRolesCommand } from '@aws-sdk/client-iam';
import { ListObjectVersionsCommand } from '@aws-sdk/client-s3';
import type { WireCall } from '@clusternator/conformance';
import { systemClock } from '@clusternator/core';
import { withCall } from '@clusternator/core/kit';
import type { ImageBuildSpec, ImageDriver } from '@clusternator/core/provider';
import { startDataPlane } from '@clusternator/emulators/data-plane';
import { startEmulator } from '@clusternator/emulators/emulator';
import { foundationConfigSchema } from '../foundation/config.ts';
import { openFoundation } from '../foundation/open-foundation.ts';
import type { AwsFoundation } from '../foundation/outputs.ts';
import {
  actionOf,
  REGION,
  sceneAt,
  type FoundationScene,
  type Tenant,
} from '../foundation/testing/foundation-scene.ts';
import { openImages } from '../images/open-images.ts';
import { buildPermissions } from './permissions.ts';

const BASE = `clusternator-test/base:${String(process.pid)}`;
const SOURCES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  good: { 'app/build/Dockerfile': 'FROM scratch\nCOPY www /www\n', 'app/www/version.txt': 'one' },
  bad: { Dockerfile: `FROM ${BASE}\nRUN ["/bin/busybox", "sh", "-c", "echo it is too hot; exit 7"]\n` },
  long: { Dockerfile: `FROM ${BASE}\nRUN ["/bin/busybox", "sleep", "300"]\n` },
};

/** Real builds: see the data plane of test/emulators. */
let scene: FoundationScene;
let shop: Tenant;
let foundation: AwsFoundation;
let images: Required<ImageDriver>;
let folder: string;
beforeAll(async () => {
  execFileSync('sh', ['-c', `tar -C / -ch bin/busybox | docker import - ${BASE}`], { stdio: 'ignore' });
  folder = mkdtempSync(path.join(tmpdir(), 'aws-builds-'));
  for (const [digest, files] of Object.entries(SOURCES))
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(folder, digest, file)), { recursive: true });
      writeFileSync(path.join(folder, digest, file), text);
    }
  // moto takes no project whose source is told by its builds.
  const emulator = await startEmulator('ministack', 'all');
  const plane = await startDataPlane({ emulator: emulator.url });
  const account = {
    url: plane.endpoint,
    async end() {
      await plane.end();
      await emulator.end();
    },
  };
  scene = await sceneAt(account, openFoundation, (digest) => path.join(folder, digest));
  shop = scene.tenant({ network: { nat: 'none' } });
  foundation = (await shop.make()).outputs!;
  images = await opened();
}, 120_000);
afterAll(async () => {
  await scene.end();
  rmSync(folder, { recursive: true });
  execFileSync('docker', ['image', 'rm', '--force', BASE], { stdio: 'ignore' });
}, 60_000);

/** As another process has it. */
async function opened(): Promise<Required<ImageDriver>> {
  const config = foundationConfigSchema.parse({ region: REGION });
  return (await openImages({ config, host: shop.host, foundation })) as Required<ImageDriver>; // it builds
}

function specOf(digest: string, environment: string): ImageBuildSpec {
  return {
    ...{ environment, service: 'api', source: { kind: 'files', digest, bytes: 1 } },
    ...(digest === 'good'
      ? { context: 'app', dockerfile: 'build/Dockerfile' }
      : { context: '.', dockerfile: 'Dockerfile' }),
    labels: { clusternator_environment: environment },
  };
}

async function build(spec: ImageBuildSpec, by = images) {
  const lines: string[] = [];
  const told = await shop.call(`build ${spec.environment}`, (call) => by.build(spec, (line) => lines.push(line), call));
  return { ...told, lines };
}

const discard = (environment: string): Promise<void> =>
  shop.call('discard', (call) => images.discard({ environment, service: 'api' }, call));
const called = (action: string): readonly WireCall[] => scene.wire.calls.filter((one) => actionOf(one) === action);
const repositoryName = (): string => foundation.repository.split('/').at(-1)!;

/** What there is for an environment, by the cloud's own lists. */
async function left(environment: string) {
  const imageTag = shop.host.name(['build', environment, 'api'], { maxLength: 63 });
  const asked = new DescribeImagesCommand({ repositoryName: repositoryName(), imageIds: [{ imageTag }] });
  const described = await scene.raw.ecr.send(asked).catch(() => undefined);
  const Prefix = `sources/${imageTag}/`;
  const { Versions = [] } = await scene.raw.s3.send(
    new ListObjectVersionsCommand({ Bucket: foundation.bucket, Prefix }),
  );
  const codeBuild = await scene.raw.codeBuild();
  const projectName = shop.host.name(['clusternator', 'builds'], { maxLength: 63 });
  const { ids = [] } = await codeBuild.send(new ListBuildsForProjectCommand({ projectName }));
  const { builds = [] } = await codeBuild.send(new BatchGetBuildsCommand({ ids }));
  const own = builds.filter(({ environment: its }) =>
    its?.environmentVariables?.some(({ value }) => value === imageTag),
  );
  return {
    images: described?.imageDetails?.length ?? 0,
    sources: Versions.length,
    builds: own.map(({ buildStatus }) => buildStatus),
  };
}

test('the first build of a stage makes the project, once its role is seen, and the image has the bytes of the commit', async () => {
  const message = 'CodeBuild is not authorized to perform: sts:AssumeRole on arn:aws:iam::1:role/x';
  scene.wire.impose({
    when: (one) => actionOf(one) === 'CreateProject',
    fault: {
      kind: 'refuse',
      refusal: {
        status: 400,
        headers: { 'content-type': 'application/x-amz-json-1.1' },
        body: JSON.stringify({ __type: 'InvalidInputException', message }),
      },
      after: false,
    },
    times: 1,
  });
  const { reference, lines } = await build(specOf('good', 'a-1'));
  expect(reference).toMatch(new RegExp(`^${foundation.repository}@sha256:[0-9a-f]{64}$`));
  expect(lines.join('\n')).toMatch(/COPY www \/www/);
  execFileSync('docker', ['pull', '--quiet', reference]);
  const container = execFileSync('docker', ['create', reference, 'none']).toString().trim();
  execFileSync('docker', ['cp', `${container}:/www/version.txt`, path.join(folder, 'copied')]);
  const label = '{{.Config.Labels.clusternator_environment}}';
  expect(execFileSync('docker', ['inspect', '--format', label, container]).toString().trim()).toBe('a-1');
  execFileSync('docker', ['rm', container]);
  expect(readFileSync(path.join(folder, 'copied'), 'utf8')).toBe('one');
  expect(await left('a-1')).toEqual({ images: 1, sources: 0, builds: ['SUCCEEDED'] });
}, 60_000);

test('an image that is there is found again, by another process too; another environment has its own', async () => {
  const { reference } = await build(specOf('good', 'a-1'), await opened());
  const other = await build(specOf('good', 'b-1'));
  expect(other.reference).not.toBe(reference);
  expect((await left('a-1')).builds).toEqual(['SUCCEEDED']);
  expect(called('CreateProject')).toHaveLength(2);
}, 60_000);

test('where the answer to a start is lost, nothing is built twice', async () => {
  const lift = scene.wire.impose({
    when: (one) => actionOf(one) === 'StartBuild',
    fault: { kind: 'reset', after: true },
    times: 1,
  });
  await expect(build(specOf('good', 'c-1'))).rejects.toThrow(/ECONNRESET/);
  lift();
  // Of another operation, which has other tokens; and the one that goes on.
  const later = scene.tenant();
  const byTenant = (by: Tenant) =>
    by.call('build c-1', (call) => images.build(specOf('good', 'c-1'), () => undefined, call));
  const [one, other] = await Promise.all([byTenant(later), byTenant(shop)]);
  expect(one).toEqual(other);
  expect((await left('c-1')).builds).toEqual(['SUCCEEDED']);
}, 60_000);

test('a build that fails tells why, with its last lines', async () => {
  const failing = build(specOf('bad', 'd-1'));
  await expect(failing).rejects.toMatchObject({ code: 'unhealthy', detail: { path: 'services.api.build' } });
  await expect(failing).rejects.toThrow(
    /the build of service api failed: .*docker build[^]*exit status[^]*it is too hot/,
  );
  await discard('d-1');
  expect(await left('d-1')).toEqual({ images: 0, sources: 0, builds: ['FAILED'] });
}, 60_000);

test('an abort ends the build; who asks again by the same token gets another, and a discard ends and removes what there is', async () => {
  const aborted = async (): Promise<void> => {
    const abort = new AbortController();
    const parts = { clock: systemClock, signal: abort.signal, operation: 'op', doing: 'build', deadlineSeconds: 60 };
    const onLine = (line: string): void => {
      if (line.includes('sleep')) abort.abort();
    };
    const building = withCall(parts, (call) => images.build(specOf('long', 'e-1'), onLine, call));
    await expect(building).rejects.toMatchObject({ code: 'cancelled' });
  };
  await aborted();
  expect((await left('e-1')).builds).toEqual(['STOPPED']);
  const lift = scene.wire.impose({
    when: (one) => actionOf(one) === 'StopBuild',
    fault: { kind: 'reset', after: false },
    times: 1,
  });
  await aborted();
  lift();
  expect((await left('e-1')).builds.sort()).toEqual(['IN_PROGRESS', 'STOPPED']);
  await discard('e-1');
  expect(await left('e-1')).toEqual({ images: 0, sources: 0, builds: ['STOPPED', 'STOPPED'] });
}, 60_000);

test('an image that nobody was told of is discarded, once and again', async () => {
  expect((await left('b-1')).images).toBe(1);
  await discard('b-1');
  await discard('b-1');
  expect((await left('b-1')).images).toBe(0);
  expect((await left('a-1')).images).toBe(1);
});

test('the foundation keeps what builds stand on as it is to be, and takes it along', async () => {
  const RoleName = shop.host.name(['clusternator', REGION, 'build'], { maxLength: 63 });
  expect((await shop.read())?.phase).toBe('active');
  const { mutations } = scene.wire;
  await shop.make();
  expect(scene.wire.mutations).toBe(mutations);
  const policy = await scene.raw.iam.send(new GetRolePolicyCommand({ RoleName, PolicyName: 'clusternator' }));
  expect(decodeURIComponent(policy.PolicyDocument ?? '')).toContain(`repository/${repositoryName()}`);
  await shop.remove();
  const { Roles = [] } = await scene.raw.iam.send(new ListRolesCommand());
  const { projects } = await (await scene.raw.codeBuild()).send(new ListProjectsCommand());
  expect({ roles: Roles.filter(({ RoleName: name }) => name?.startsWith('clusternator')), projects }).toEqual({
    roles: [],
    projects: [],
  });
}, 60_000);

test('what is asked of CodeBuild is what is printed', () => {
  const used = scene.wire.calls.flatMap(
    ({ headers }) => /^CodeBuild_\d+\.(\w+)/.exec(headers['x-amz-target'] ?? '')?.[1] ?? [],
  );
  const printed = buildPermissions({ region: REGION }).flatMap(
    ({ action }) => /^codebuild:(\w+)/.exec(action)?.[1] ?? [],
  );
  expect([...new Set(used)].sort()).toEqual(printed.sort());
  expect(buildPermissions({ region: REGION }).filter(({ resource }) => resource === '*')).toEqual([]);
});
