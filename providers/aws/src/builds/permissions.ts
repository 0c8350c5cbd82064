import type { Permission } from '@clusternator/core/provider';
import type { AwsConfig } from '../config.ts';
import { ALL as OF_FOUNDATIONS, MAKES as MAKES_FOUNDATIONS, REMOVES, rules } from '../foundation/permissions.ts';

const MAKES = ['env create'];
const ENDS = ['env destroy', 'gc'];

/**
 * To have images built. The project and its role are made by the first build; what makes a foundation's roles makes that one too.
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodebuild.html
 */
export function buildPermissions({ region = '*' }: Pick<AwsConfig, 'region'>): readonly Permission[] {
  const project = [`arn:aws:codebuild:${region}:*:project/clusternator-*`];
  const repository = [`arn:aws:ecr:${region}:*:repository/clusternator-*`];
  const bucket = 'arn:aws:s3:::clusternator-*';
  return [
    ...rules('codebuild', [
      ['BatchGetBuilds ListBuildsForProject StopBuild', project, [...MAKES, ...ENDS]],
      ['StartBuild', project, MAKES],
      // Whoever makes a foundation keeps what builds have added to it.
      ['CreateProject', project, MAKES_FOUNDATIONS],
      ['BatchGetProjects', project, OF_FOUNDATIONS],
      ['DeleteProject', project, REMOVES],
    ]),
    ...rules('ecr', [['DescribeImages', repository, MAKES]]),
    // The source of a build goes with it.
    ...rules('s3', [
      ['ListBucketVersions', [bucket], MAKES],
      ['DeleteObject DeleteObjectVersion', [`${bucket}/sources/*`], MAKES],
    ]),
  ];
}
