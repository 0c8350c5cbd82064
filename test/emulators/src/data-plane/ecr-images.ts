import type { BatchDeleteImageRequest, DescribeImagesRequest, ImageIdentifier } from '@aws-sdk/client-ecr';
import { json, refusal, type Answer, type Asked } from './exchange.ts';

/** @see https://distribution.github.io/distribution/spec/manifest-v2-2/ */
const MANIFESTS = [
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
].join(', ');

/**
 * What ECR tells of single images, and how it removes them, as the registry has them that stands for it. Undefined: neither is asked for, or the
 * registry has none of them.
 */
export async function ecrImages({ action, input }: Asked, registry: string): Promise<Answer | undefined> {
  if (action === 'ecr.DescribeImages') return described(input, registry);
  if (action === 'ecr.BatchDeleteImage') return removed(input, registry);
  return undefined;
}

async function described({ repositoryName = '', imageIds }: Partial<DescribeImagesRequest>, registry: string) {
  if (!imageIds) return undefined;
  const found = await Promise.all(
    imageIds.map(async (id) => ({ id, digest: await digestOf(registry, repositoryName, id) })),
  );
  const absent = found.find(({ digest }) => digest === undefined);
  if (absent) return refusal('ImageNotFoundException', `there is no image ${JSON.stringify(absent.id)}`);
  const imageDetails = found.map(({ id: { imageTag }, digest }) => ({
    repositoryName,
    imageDigest: digest,
    ...(imageTag !== undefined && { imageTags: [imageTag] }),
  }));
  return json({ headers: {} }, { imageDetails });
}

/** An image goes with all its tags, where AWS takes a tag away and the image with its last one. */
async function removed({ repositoryName = '', imageIds = [] }: Partial<BatchDeleteImageRequest>, registry: string) {
  const found = await Promise.all(imageIds.map(async (id) => digestOf(registry, repositoryName, id)));
  const digests = found.flatMap((digest) => digest ?? []);
  if (digests.length < imageIds.length) return undefined;
  for (const digest of new Set(digests))
    await fetch(`http://${registry}/v2/${repositoryName}/manifests/${digest}`, { method: 'DELETE' });
  return json({ headers: {} }, { imageIds, failures: [] });
}

async function digestOf(
  registry: string,
  repository: string,
  { imageTag, imageDigest }: ImageIdentifier,
): Promise<string | undefined> {
  const url = `http://${registry}/v2/${repository}/manifests/${imageDigest ?? imageTag ?? ''}`;
  const answer = await fetch(url, { method: 'HEAD', headers: { accept: MANIFESTS } });
  return answer.ok ? (answer.headers.get('docker-content-digest') ?? undefined) : undefined;
}
