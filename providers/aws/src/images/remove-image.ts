import { BatchDeleteImageCommand, type ECRClient, type ImageIdentifier } from '@aws-sdk/client-ecr';
import { ProviderError, type Call } from '@clusternator/core/provider';
import { errorOf } from '../errors.ts';
import { unlessAbsent } from '../storage/aws-error.ts';

/**
 * Removes an image: by its digest with all its tags, by its only tag likewise. To remove what is gone succeeds.
 * @param repository - Its URI, as in `<registry>/<name>`.
 * @throws ProviderError `conflict`: an index needs it.
 */
export async function removeImage(
  ecr: ECRClient,
  repository: string,
  image: ImageIdentifier,
  call: Call,
): Promise<void> {
  const command = new BatchDeleteImageCommand({ repositoryName: repositoryName(repository), imageIds: [image] });
  const sent = ecr.send(command, { abortSignal: call.signal });
  const { failures = [] } = (await unlessAbsent(sent, ['RepositoryNotFound'])) ?? {};
  // It answers 200 for what it did not do.
  const refused = failures.find(({ failureCode }) => failureCode !== 'ImageNotFound');
  if (!refused) return;
  const cause = { name: refused.failureCode ?? '', message: refused.failureReason ?? '' };
  const what = image.imageDigest ?? image.imageTag ?? '';
  throw (
    errorOf(cause) ??
    new ProviderError('conflict', `ECR keeps ${repository} ${what}: ${cause.name} ${cause.message}`, { effect: 'none' })
  );
}

/** As ECR's requests have it. */
export function repositoryName(repository: string): string {
  return repository.slice(repository.indexOf('/') + 1);
}
