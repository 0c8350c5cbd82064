import type { Permission } from '@clusternator/core/provider';
import type { AwsConfig } from '../config.ts';

const MOVES = ['promote', 'rollback', 'slot repair'];
const REMOVES = [...MOVES, 'slot destroy'];
const READS = ['slot list', 'slot show', ...REMOVES];

/**
 * What slots ask for: rules of a listener whose load balancer's name begins with `clusternator-`.
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html
 */
export function slotPermissions({ region = '*' }: Pick<AwsConfig, 'region'>): readonly Permission[] {
  const at = `arn:aws:elasticloadbalancing:${region}:*`;
  const rule = `${at}:listener-rule/app/clusternator-*/*/*/*`;
  const listener = `${at}:listener/app/clusternator-*/*/*`;
  const certificate = `arn:aws:acm:${region}:*:certificate/*`;
  const own = 'elasticloadbalancing';
  return [
    { action: `${own}:DescribeRules`, resource: '*', verbs: READS },
    { action: `${own}:DescribeTags`, resource: '*', verbs: READS },
    { action: `${own}:CreateRule`, resource: listener, verbs: MOVES },
    { action: `${own}:ModifyRule`, resource: rule, verbs: MOVES },
    { action: `${own}:AddTags`, resource: rule, verbs: MOVES },
    { action: `${own}:DeleteRule`, resource: rule, verbs: REMOVES },
    // For an alias at the top of a zone.
    { action: `${own}:DescribeLoadBalancers`, resource: '*', verbs: MOVES },
    // Of names outside of the domain.
    { action: 'acm:ListCertificates', resource: '*', verbs: REMOVES },
    { action: 'acm:ListTagsForCertificate', resource: certificate, verbs: REMOVES },
    { action: 'acm:DescribeCertificate', resource: certificate, verbs: REMOVES },
    { action: 'acm:RequestCertificate', resource: '*', verbs: MOVES },
    { action: 'acm:AddTagsToCertificate', resource: certificate, verbs: MOVES },
    { action: 'acm:DeleteCertificate', resource: certificate, verbs: REMOVES },
    { action: `${own}:DescribeListenerCertificates`, resource: '*', verbs: REMOVES },
    { action: `${own}:AddListenerCertificates`, resource: listener, verbs: MOVES },
    { action: `${own}:RemoveListenerCertificates`, resource: listener, verbs: REMOVES },
  ];
}
