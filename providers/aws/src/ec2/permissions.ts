import type { Permission } from '@clusternator/core/provider';
import type { AwsConfig } from '../config.ts';
import { DOCUMENT } from './session-document.ts';

const MAKES = ['env create', 'promote'];
const REMOVES = ['env destroy', 'gc'];
const READS = ['env list', 'env show'];
const LOOKS = ['promote', 'rollback'];
const RUNS = ['env exec', 'promote'];
const ALL = [...MAKES, ...REMOVES, ...READS];

/**
 * What environments on machines ask for beside what those in containers do. Names begin with `clusternator-`; what EC2 makes has ids alone.
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2autoscaling.html
 * @see https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-launch-template-permissions.html (what a group's maker needs of EC2)
 */
export function machinePermissions({ region = '*' }: Pick<AwsConfig, 'region'>): readonly Permission[] {
  return [...groups(region), ...templates(region), ...machines(region), ...disks(), ...sources(), ...commands(region)];
}

function groups(region: string): readonly Permission[] {
  const group = `arn:aws:autoscaling:${region}:*:autoScalingGroup:*:autoScalingGroupName/clusternator-*`;
  const own = 'autoscaling';
  return [
    // Of these AWS tells no resource apart.
    { action: `${own}:DescribeAutoScalingGroups`, resource: '*', verbs: [...ALL, ...LOOKS, 'env exec', 'env logs'] },
    { action: `${own}:DescribeScalingActivities`, resource: '*', verbs: [...MAKES, ...READS] },
    { action: `${own}:CreateAutoScalingGroup`, resource: group, verbs: MAKES },
    { action: `${own}:CreateOrUpdateTags`, resource: group, verbs: MAKES },
    { action: `${own}:UpdateAutoScalingGroup`, resource: group, verbs: LOOKS },
    { action: `${own}:DeleteAutoScalingGroup`, resource: group, verbs: REMOVES },
    {
      action: 'iam:CreateServiceLinkedRole',
      resource: 'arn:aws:iam::*:role/aws-service-role/autoscaling.amazonaws.com/*',
      verbs: MAKES,
    },
  ];
}

function templates(region: string): readonly Permission[] {
  const template = `arn:aws:ec2:${region}:*:launch-template/*`;
  return [
    { action: 'ec2:DescribeLaunchTemplates', resource: '*', verbs: ALL },
    { action: 'ec2:CreateLaunchTemplate', resource: template, verbs: MAKES },
    { action: 'ec2:DeleteLaunchTemplate', resource: template, verbs: REMOVES },
    { action: 'ec2:CreateTags', resource: template, verbs: MAKES },
  ];
}

/** Auto Scaling starts machines in its own name, and refuses who could not start them. */
function machines(region: string): readonly Permission[] {
  const own = ['instance', 'volume', 'network-interface'].map((kind) => `arn:aws:ec2:${region}:*:${kind}/*`);
  const used = ['launch-template', 'security-group', 'subnet'].map((kind) => `arn:aws:ec2:${region}:*:${kind}/*`);
  const image = `arn:aws:ec2:${region}::image/*`;
  return [
    ...[...own, ...used, image].map((resource) => ({ action: 'ec2:RunInstances', resource, verbs: MAKES })),
    ...own.map((resource) => ({ action: 'ec2:CreateTags', resource, verbs: MAKES })),
    // The image by its parameter.
    { action: 'ssm:GetParameters', resource: `arn:aws:ssm:${region}:*:parameter/aws/service/*`, verbs: MAKES },
  ];
}

/** Who has the disks of a service, and where they are. What attaches them is a machine itself, by its own role. */
function disks(): readonly Permission[] {
  return [
    { action: 'ec2:DescribeSubnets', resource: '*', verbs: MAKES },
    { action: 'ec2:DescribeVolumes', resource: '*', verbs: [...ALL, ...LOOKS] },
    { action: 'ec2:DescribeInstances', resource: '*', verbs: [...ALL, ...LOOKS] },
  ];
}

function sources(): readonly Permission[] {
  const bucket = 'arn:aws:s3:::clusternator-*';
  const source = `${bucket}/sources/*`;
  return [
    { action: 's3:ListBucketVersions', resource: bucket, verbs: [...READS, ...REMOVES] },
    { action: 's3:PutObject', resource: source, verbs: MAKES },
    { action: 's3:GetObject', resource: source, verbs: [...READS, ...REMOVES] },
    { action: 's3:DeleteObject', resource: source, verbs: REMOVES },
    { action: 's3:DeleteObjectVersion', resource: source, verbs: REMOVES },
  ];
}

/**
 * A session leads into a machine as its root: only into those of environments. Its id begins with the id of who started it.
 * @see https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-restrict-access-examples.html
 */
function commands(region: string): readonly Permission[] {
  return [
    {
      action: 'ssm:StartSession',
      resource: `arn:aws:ec2:${region}:*:instance/*`,
      condition: { StringEquals: { 'ssm:resourceTag/clusternator_type': 'environment' } },
      verbs: RUNS,
    },
    { action: 'ssm:StartSession', resource: `arn:aws:ssm:${region}::document/${DOCUMENT}`, verbs: RUNS },
    { action: 'ssm:TerminateSession', resource: `arn:aws:ssm:${region}:*:session/\${aws:userid}-*`, verbs: RUNS },
  ];
}
