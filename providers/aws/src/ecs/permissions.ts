import type { Permission } from '@clusternator/core/provider';
import type { AwsConfig } from '../config.ts';

const MAKES = ['env create', 'promote'];
const REMOVES = ['env destroy', 'gc'];
const READS = ['env list', 'env show'];
const LOOKS = ['promote', 'rollback'];
const RUNS = ['env exec', 'promote'];
const ALL = [...MAKES, ...REMOVES, ...READS];

/**
 * What environments ask for. Names begin with `clusternator-`.
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html
 */
export function environmentPermissions({ region = '*' }: Pick<AwsConfig, 'region'>): readonly Permission[] {
  return [...services(region), ...balancing(region), ...names(region), ...secrets(region), ...logs(region)];
}

function services(region: string): readonly Permission[] {
  const service = `arn:aws:ecs:${region}:*:service/*/clusternator-*`;
  const definition = `arn:aws:ecs:${region}:*:task-definition/clusternator-*`;
  const own = 'ecs';
  return [
    { action: `${own}:DescribeServices`, resource: service, verbs: [...ALL, ...LOOKS, 'env exec', 'env logs'] },
    { action: `${own}:CreateService`, resource: service, verbs: MAKES },
    { action: `${own}:UpdateService`, resource: service, verbs: LOOKS },
    { action: `${own}:DeleteService`, resource: service, verbs: REMOVES },
    { action: `${own}:RegisterTaskDefinition`, resource: definition, verbs: MAKES },
    { action: `${own}:DeleteTaskDefinitions`, resource: definition, verbs: [...MAKES, ...REMOVES] },
    // Tags are put as things are made.
    { action: `${own}:TagResource`, resource: service, verbs: MAKES },
    { action: `${own}:TagResource`, resource: definition, verbs: MAKES },
    // Of these AWS tells no resource apart.
    { action: `${own}:ListServices`, resource: '*', verbs: ['gc', 'state rebuild'] },
    { action: `${own}:DeregisterTaskDefinition`, resource: '*', verbs: [...MAKES, ...REMOVES] },
    { action: `${own}:DescribeTaskDefinition`, resource: '*', verbs: [...MAKES, ...REMOVES] },
    { action: `${own}:ListTaskDefinitions`, resource: '*', verbs: ALL },
    { action: `${own}:ListTaskDefinitionFamilies`, resource: '*', verbs: [...REMOVES, ...READS] },
    { action: `${own}:ListTasks`, resource: '*', verbs: [...MAKES, 'env exec'] },
    { action: `${own}:DescribeTasks`, resource: `arn:aws:ecs:${region}:*:task/*`, verbs: [...MAKES, 'env exec'] },
    { action: `${own}:ExecuteCommand`, resource: `arn:aws:ecs:${region}:*:cluster/clusternator-*`, verbs: RUNS },
    { action: `${own}:ExecuteCommand`, resource: `arn:aws:ecs:${region}:*:task/clusternator-*/*`, verbs: RUNS },
    { action: 'iam:PassRole', resource: 'arn:aws:iam::*:role/clusternator-*', verbs: MAKES },
  ];
}

function balancing(region: string): readonly Permission[] {
  const at = `arn:aws:elasticloadbalancing:${region}:*`;
  const group = `${at}:targetgroup/clusternator-*/*`;
  const listener = `${at}:listener/app/clusternator-*/*/*`;
  const rule = `${at}:listener-rule/app/clusternator-*/*/*/*`;
  const own = 'elasticloadbalancing';
  return [
    { action: `${own}:DescribeTargetGroups`, resource: '*', verbs: ALL },
    { action: `${own}:DescribeTargetHealth`, resource: '*', verbs: [...MAKES, ...LOOKS, ...READS, 'env exec'] },
    { action: `${own}:DescribeRules`, resource: '*', verbs: [...MAKES, ...REMOVES] },
    { action: `${own}:DescribeTags`, resource: '*', verbs: ALL },
    { action: `${own}:CreateTargetGroup`, resource: group, verbs: MAKES },
    { action: `${own}:ModifyTargetGroupAttributes`, resource: group, verbs: REMOVES },
    { action: `${own}:DeleteTargetGroup`, resource: group, verbs: REMOVES },
    { action: `${own}:CreateRule`, resource: listener, verbs: MAKES },
    { action: `${own}:DeleteRule`, resource: rule, verbs: REMOVES },
    { action: `${own}:AddTags`, resource: group, verbs: MAKES },
    { action: `${own}:AddTags`, resource: rule, verbs: MAKES },
  ];
}

/** @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudmap.html (ids alone, no names) */
function names(region: string): readonly Permission[] {
  const service = `arn:aws:servicediscovery:${region}:*:service/*`;
  const own = 'servicediscovery';
  return [
    { action: `${own}:ListServices`, resource: '*', verbs: ALL },
    { action: `${own}:ListTagsForResource`, resource: service, verbs: ALL },
    { action: `${own}:CreateService`, resource: `arn:aws:servicediscovery:${region}:*:namespace/*`, verbs: MAKES },
    { action: `${own}:TagResource`, resource: service, verbs: MAKES },
    { action: `${own}:DeleteService`, resource: service, verbs: REMOVES },
  ];
}

function secrets(region: string): readonly Permission[] {
  const secret = `arn:aws:secretsmanager:${region}:*:secret:clusternator-*`;
  const own = 'secretsmanager';
  return [
    { action: `${own}:CreateSecret`, resource: secret, verbs: MAKES },
    { action: `${own}:TagResource`, resource: secret, verbs: MAKES },
    { action: `${own}:DescribeSecret`, resource: secret, verbs: MAKES },
    { action: `${own}:ListSecrets`, resource: '*', verbs: [...REMOVES, ...READS] },
    { action: `${own}:DeleteSecret`, resource: secret, verbs: REMOVES },
  ];
}

function logs(region: string): readonly Permission[] {
  const group = `arn:aws:logs:${region}:*:log-group:clusternator-*:*`;
  return [
    { action: 'logs:FilterLogEvents', resource: group, verbs: ['env logs'] },
    { action: 'logs:GetLogEvents', resource: group, verbs: MAKES },
  ];
}
