import { SOURCES } from '../../sources/sources.ts';
import type { Site } from '../site.ts';
import { bucketName } from './bucket.ts';

/** Of AWS's agent to Systems Manager, which tells no resource apart. */
const CHANNELS = [
  'ssmmessages:CreateControlChannel',
  'ssmmessages:CreateDataChannel',
  'ssmmessages:OpenControlChannel',
  'ssmmessages:OpenDataChannel',
];

/** As IAM reads it. */
export interface Policy {
  readonly Version: '2012-10-17';
  readonly Statement: readonly unknown[];
}

/**
 * To start a task: its images, its log streams, and the secrets that have the tags of this project and stage.
 * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
 */
export async function executionPolicy(at: Site): Promise<Policy> {
  const arn = await arns(at);
  return {
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: 'ecr:GetAuthorizationToken', Resource: '*' },
      {
        Effect: 'Allow',
        Action: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
        Resource: arn('ecr', `repository/${at.name('images')}`),
      },
      {
        Effect: 'Allow',
        Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        Resource: arn('logs', `log-group:${at.name('logs')}:*`),
      },
      ourSecrets(at, arn),
    ],
  };
}

/**
 * What a workload runs as. It may do nothing of its own: these are for AWS's agent beside it, by which ECS Exec runs commands in it.
 * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html (permissions required for ECS Exec)
 */
export function taskPolicy(): Promise<Policy> {
  const Statement = [{ Effect: 'Allow', Action: CHANNELS, Resource: '*' }];
  return Promise.resolve({ Version: '2012-10-17', Statement });
}

/**
 * A bare machine fetches its source and the secrets that have the tags of this project and stage, attaches disks to machines that have them,
 * writes its logs, and is reached by Systems Manager in place of SSH.
 * @see https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-create-iam-instance-profile.html
 */
export async function instancePolicy(at: Site): Promise<Policy> {
  const arn = await arns(at);
  const { partition } = await at.account();
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Action: 's3:GetObject',
        Resource: `arn:${partition}:s3:::${await bucketName(at)}/${SOURCES}/*`,
      },
      ourSecrets(at, arn),
      // Of this one AWS tells no resource apart.
      { Effect: 'Allow', Action: 'ec2:DescribeVolumes', Resource: '*' },
      {
        Effect: 'Allow',
        Action: ['ec2:AttachVolume', 'ec2:DetachVolume'],
        Resource: [arn('ec2', 'volume/*'), arn('ec2', 'instance/*')],
        Condition: { StringEquals: ofOurs(at) },
      },
      {
        Effect: 'Allow',
        Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        Resource: arn('logs', `log-group:${at.name('logs')}:*`),
      },
      {
        Effect: 'Allow',
        Action: ['ssm:UpdateInstanceInformation', ...CHANNELS],
        Resource: '*',
      },
    ],
  };
}

/**
 * A build fetches its source, pushes its image and writes its log.
 * @see https://docs.aws.amazon.com/codebuild/latest/userguide/setting-up-service-role.html
 */
export async function buildPolicy(at: Site): Promise<Policy> {
  const arn = await arns(at);
  const { partition } = await at.account();
  const bucket = await bucketName(at);
  return {
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: 's3:GetObject', Resource: `arn:${partition}:s3:::${bucket}/${SOURCES}/*` },
      { Effect: 'Allow', Action: 'ecr:GetAuthorizationToken', Resource: '*' },
      {
        Effect: 'Allow',
        Action: [
          'ecr:BatchCheckLayerAvailability',
          'ecr:BatchGetImage',
          'ecr:CompleteLayerUpload',
          'ecr:GetDownloadUrlForLayer',
          'ecr:InitiateLayerUpload',
          'ecr:PutImage',
          'ecr:UploadLayerPart',
        ],
        Resource: arn('ecr', `repository/${at.name('images')}`),
      },
      {
        Effect: 'Allow',
        Action: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'],
        Resource: [arn('logs', `log-group:${at.name('logs')}`), arn('logs', `log-group:${at.name('logs')}:*`)],
      },
    ],
  };
}

async function arns(at: Site): Promise<(service: string, resource: string) => string> {
  const [{ partition, id }, region] = await Promise.all([at.account(), at.region()]);
  return (service, resource) => `arn:${partition}:${service}:${region}:${id}:${resource}`;
}

function ourSecrets(at: Site, arn: (service: string, resource: string) => string): unknown {
  return {
    Effect: 'Allow',
    Action: ['secretsmanager:GetSecretValue', 'ssm:GetParameters'],
    Resource: [arn('secretsmanager', 'secret:*'), arn('ssm', 'parameter/*')],
    Condition: { StringEquals: ofOurs(at) },
  };
}

function ofOurs(at: Site): Readonly<Record<string, string>> {
  const tags = at.coreTags();
  const keys = ['clusternator_project', 'clusternator_stage'];
  return Object.fromEntries(keys.map((key) => [`aws:ResourceTag/${key}`, tags[key] ?? '']));
}
