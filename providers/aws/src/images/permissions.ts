import type { Permission } from '@clusternator/core/provider';
import type { AwsConfig } from '../config.ts';

const PUSHES = ['env create'];

/**
 * To push images to the foundation's repository, and to remove them.
 * @see https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html
 */
export function imagePermissions({ region = '*' }: Pick<AwsConfig, 'region'>): readonly Permission[] {
  const resource = `arn:aws:ecr:${region}:*:repository/clusternator-*`;
  const layers = ['InitiateLayerUpload', 'UploadLayerPart', 'CompleteLayerUpload', 'BatchCheckLayerAvailability'];
  return [
    { action: 'ecr:GetAuthorizationToken', resource: '*', verbs: PUSHES },
    ...[...layers, 'PutImage', 'BatchGetImage'].map((name) => ({ action: `ecr:${name}`, resource, verbs: PUSHES })),
    { action: 'ecr:BatchDeleteImage', resource, verbs: ['env create', 'env destroy', 'gc'] },
  ];
}
