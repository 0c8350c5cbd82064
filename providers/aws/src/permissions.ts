import type { Permission } from '@clusternator/core/provider';
import { slotPermissions } from './alb/permissions.ts';
import { machinePermissions } from './ec2/permissions.ts';
import { buildPermissions } from './builds/permissions.ts';
import { environmentPermissions } from './ecs/permissions.ts';
import { BOTH, foundationPermissions, MAKES, REMOVES, rules, type Rule } from './foundation/permissions.ts';
import { imagePermissions } from './images/permissions.ts';
import type { ProviderConfig } from './provider-config.ts';
import { siteGroundPermissions } from './site/ground/permissions.ts';
import { sitePermissions } from './site/permissions.ts';
import { storagePermissions } from './storage/permissions.ts';

const ZONES = 'arn:aws:route53:::hostedzone/*';
// A foundation is made by the first command that needs it, with the records of its names.
const WRITES = [
  'promote',
  'rollback',
  'slot repair',
  'slot destroy',
  'foundation create',
  'foundation destroy',
  'env create',
];
/** Where environments have records too. */
const ENDS = ['env destroy', 'gc', 'storage restore'];
const ALL = ['every command'];
/** Of a domain that is in none. Cloud Map has one for each namespace, in the name of whoever makes it. */
const zones: readonly Rule[] = [
  ['CreateHostedZone', ['*'], MAKES],
  ['ChangeTagsForResource', [ZONES], MAKES],
  ['DeleteHostedZone GetHostedZone', [ZONES], BOTH],
  ['ListTagsForResource', [ZONES], REMOVES],
];

/**
 * What the drivers ask for, as statements of an IAM policy.
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonroute53.html
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
 */
export function permissions(config: ProviderConfig): readonly Permission[] {
  const state = `arn:aws:s3:::${config.bucket ?? '<bucket>'}`;
  const names = (config.loadBalancers ?? 1) > 1 ? [...WRITES, ...ENDS] : WRITES;
  return [
    { action: 'route53:ListHostedZones', resource: '*', verbs: names },
    { action: 'route53:ListResourceRecordSets', resource: ZONES, verbs: names },
    { action: 'route53:ChangeResourceRecordSets', resource: ZONES, verbs: names },
    { action: 'route53:GetChange', resource: 'arn:aws:route53:::change/*', verbs: names },
    ...rules('route53', zones),
    // Without it, S3 answers 403 for what is not there, and nobody can tell that from a refusal.
    { action: 's3:ListBucket', resource: state, verbs: ALL },
    { action: 's3:GetObject', resource: `${state}/*`, verbs: ALL },
    { action: 's3:PutObject', resource: `${state}/*`, verbs: ALL },
    { action: 's3:DeleteObject', resource: `${state}/*`, verbs: ['gc'] },
    ...(config.kind === 'sites' ? [...siteGroundPermissions, ...sitePermissions] : ofContainers(config)),
  ];
}

function ofContainers(config: ProviderConfig): readonly Permission[] {
  return [
    ...foundationPermissions(config),
    ...imagePermissions(config),
    ...buildPermissions(config),
    ...environmentPermissions(config),
    ...machinePermissions(config),
    ...slotPermissions(config),
    ...storagePermissions(config),
  ];
}
