import type { EnvironmentVariable } from '@aws-sdk/client-codebuild';
import type { ImageBuildSpec } from '@clusternator/core/provider';
import type { AwsFoundation } from '../foundation/outputs.ts';
import type { Source } from '../sources/sources.ts';

/** The variable of a build by which it is found again. */
export const TAG = 'IMAGE_TAG';

/**
 * What a build does. All that differs from one to another comes by variables, which no shell reads as a program.
 * @see https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
 */
export function buildspecOf(labels: ImageBuildSpec['labels']): string {
  const labelled = Object.keys(labels).map((_, at) => `--label "$${labelVariable(at)}" `);
  const phases = {
    pre_build: {
      commands: [
        'aws s3 cp --only-show-errors "s3://$SOURCE_BUCKET/$SOURCE_KEY" source.tar.gz',
        'echo "$SOURCE_SHA256  source.tar.gz" | sha256sum --check --quiet',
        'mkdir source && tar -xzf source.tar.gz -C source',
        'aws ecr get-login-password | docker login --username AWS --password-stdin "${IMAGE_REPOSITORY%%/*}"',
      ],
    },
    build: {
      commands: [
        `docker build ${labelled.join('')}--file "source/$CONTEXT/$DOCKERFILE" ` +
          '--tag "$IMAGE_REPOSITORY:$IMAGE_TAG" "source/$CONTEXT"',
        'docker push --quiet "$IMAGE_REPOSITORY:$IMAGE_TAG"',
      ],
    },
  };
  return JSON.stringify({ version: '0.2', phases }); // which YAML is too
}

export function variablesOf(
  { context, dockerfile, labels }: ImageBuildSpec,
  source: Source,
  { bucket, repository }: AwsFoundation,
  tag: string,
): readonly EnvironmentVariable[] {
  const values: Readonly<Record<string, string>> = {
    SOURCE_BUCKET: bucket,
    SOURCE_KEY: source.key,
    SOURCE_SHA256: source.sha256,
    IMAGE_REPOSITORY: repository,
    [TAG]: tag,
    CONTEXT: context,
    DOCKERFILE: dockerfile,
    // One image, and not an index of it and of what tells how it was built, which would outlive it.
    BUILDX_NO_DEFAULT_ATTESTATIONS: '1',
    ...Object.fromEntries(Object.entries(labels).map(([name, value], at) => [labelVariable(at), `${name}=${value}`])),
  };
  return Object.entries(values).map(([name, value]) => ({ name, value, type: 'PLAINTEXT' }));
}

function labelVariable(at: number): string {
  return `IMAGE_LABEL_${String(at)}`;
}
