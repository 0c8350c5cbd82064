import type { Permission } from '@clusternator/core/provider';
import type { AwsConfig } from './config.ts';

const MOVES = ['promote', 'rollback', 'slot repair'];
const ALL = ['every command'];

/**
 * What the drivers ask for, as statements of an IAM policy.
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonroute53.html
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
 */
export function permissions({ bucket }: AwsConfig): readonly Permission[] {
  const state = `arn:aws:s3:::${bucket ?? '<bucket>'}`;
  return [
    { action: 'route53:ListHostedZones', resource: '*', verbs: MOVES },
    { action: 'route53:ListResourceRecordSets', resource: 'arn:aws:route53:::hostedzone/*', verbs: MOVES },
    { action: 'route53:ChangeResourceRecordSets', resource: 'arn:aws:route53:::hostedzone/*', verbs: MOVES },
    { action: 'route53:GetChange', resource: 'arn:aws:route53:::change/*', verbs: MOVES },
    // Without it, S3 answers 403 for what is not there, and nobody can tell that from a refusal.
    { action: 's3:ListBucket', resource: state, verbs: ALL },
    { action: 's3:GetObject', resource: `${state}/*`, verbs: ALL },
    { action: 's3:PutObject', resource: `${state}/*`, verbs: ALL },
    { action: 's3:DeleteObject', resource: `${state}/*`, verbs: ['gc'] },
  ];
}
