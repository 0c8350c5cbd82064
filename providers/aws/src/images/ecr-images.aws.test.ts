import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { DescribeImagesCommand, PutImageCommand } from '@aws-sdk/client-ecr';
import type { ImageDriver } from '@clusternator/core/provider';
import type { AwsFoundation } from '../foundation/outputs.ts';
import { openScene, REGION, type FoundationScene, type Tenant } from '../foundation/testing/foundation-scene.ts';
import { foundationConfigSchema } from '../foundation/config.ts';
import { openImages } from './open-images.ts';
import { imagePermissions } from './permissions.ts';

let scene: FoundationScene;
let shop: Tenant;
let foundation: AwsFoundation;
let images: ImageDriver;
beforeAll(async () => {
  scene = await openScene('moto');
  shop = scene.tenant({ network: { nat: 'none' } });
  foundation = (await shop.make()).outputs!;
  const config = foundationConfigSchema.parse({ region: REGION });
  images = await openImages({ config, host: shop.host, foundation });
}, 120_000);
afterAll(() => scene.end());

const digestOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;
const repositoryName = (): string => foundation.repository.split('/').at(-1)!;
async function push(commit: string): Promise<string> {
  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', size: 2, digest: digestOf(commit) };
  const imageManifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config,
    layers: [],
  });
  const imageDigest = digestOf(imageManifest); // moto makes none of its own for what it can't read
  await scene.raw.ecr.send(
    new PutImageCommand({ repositoryName: repositoryName(), imageManifest, imageTag: commit, imageDigest }),
  );
  return imageDigest;
}
async function digests(): Promise<readonly string[]> {
  const { imageDetails = [] } = await scene.raw.ecr.send(
    new DescribeImagesCommand({ repositoryName: repositoryName() }),
  );
  return imageDetails.flatMap(({ imageDigest }) => imageDigest ?? []).sort();
}

test('images of all services go to the foundation’s repository, with a login', async () => {
  const { name, platform, username, password } = await shop.call('login', (call) => images.repository('api', call));
  expect({ name, platform, username }).toEqual({
    name: foundation.repository,
    platform: 'linux/amd64',
    username: 'AWS',
  });
  expect(password).not.toBe('');
});

test('an image is removed by its digest, once and again; others stay', async () => {
  const [first, second] = [await push('1a2b3c4'), await push('5d6e7f8')];
  expect(await digests()).toEqual([first, second].sort());
  const remove = (reference: string) =>
    shop.call('remove', (call) => images.destroy({ kind: 'image', reference }, call));
  await remove(`${foundation.repository}@${first}`);
  expect(await digests()).toEqual([second]);
  const { mutations } = scene.wire;
  await remove(`registry.example/other@${second}`);
  await remove(second);
  expect(scene.wire.mutations).toBe(mutations);
  await remove(`${foundation.repository}@${first}`);
  expect(await digests()).toEqual([second]);
  await shop.remove();
  await remove(`${foundation.repository}@${second}`);
});

test('a layer that another image needs is a conflict, and a refusal is no absence', async () => {
  const refusal = (body: unknown, status = 200) => ({
    status,
    headers: { 'content-type': 'application/x-amz-json-1.1' },
    body: JSON.stringify(body),
  });
  const answers = [
    [refusal({ failures: [{ failureCode: 'ImageReferencedByManifestList', failureReason: 'in use' }] }), 'conflict'],
    [refusal({ __type: 'AccessDeniedException', message: 'no' }, 400), 'denied'],
  ] as const;
  for (const [answer, code] of answers) {
    scene.wire.impose({
      when: ({ headers }) => headers['x-amz-target']?.endsWith('BatchDeleteImage') ?? false,
      fault: { kind: 'refuse', refusal: answer, after: false },
      times: 1,
    });
    const reference = `${foundation.repository}@${digestOf('x')}`;
    await expect(
      shop.call('remove', (call) => images.destroy({ kind: 'image', reference }, call)),
    ).rejects.toMatchObject({ code });
  }
});

test('permissions name the repository, but for the login', () => {
  const wide = imagePermissions({ region: REGION }).filter(({ resource }) => resource === '*');
  expect(wide.map(({ action }) => action)).toEqual(['ecr:GetAuthorizationToken']);
});
