import type { Permission } from '@clusternator/core/provider';
import type { StorageConfig } from './config.ts';

const MAKES = ['env create', 'promote', 'storage restore', 'storage clone'];
const REMOVES = ['env destroy', 'storage destroy', 'gc'];
const READS = ['storage list', 'storage show'];
const TAKES = ['storage snapshot', 'storage clone', 'backup run', 'promote'];
const EXPIRES = ['storage destroy', 'backup run', 'gc'];

/**
 * What volumes and snapshots ask for. Names begin with `clusternator-`; file systems and access points have ids alone.
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonrds.html
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticfilesystem.html
 */
export function storagePermissions({ region = '*' }: Pick<StorageConfig, 'region'>): readonly Permission[] {
  return [...databases(region), ...databaseSnapshots(region), ...secrets(region), ...files(region), ...disks(region)];
}

function databases(region: string): readonly Permission[] {
  const own = (kind: string): string => `arn:aws:rds:${region}:*:${kind}:clusternator-*`;
  const [database, group, snapshot] = [own('db'), own('subgrp'), own('snapshot')];
  // Which parameters and options an instance begins with is AWS's choice.
  const defaults = [`arn:aws:rds:${region}:*:og:default:*`, `arn:aws:rds:${region}:*:pg:default.*`];
  const each = (action: string, resources: readonly string[], verbs: readonly string[]): readonly Permission[] =>
    resources.map((resource) => ({ action, resource, verbs }));
  return [
    {
      action: 'rds:DescribeDBInstances',
      resource: `arn:aws:rds:${region}:*:db:*`,
      verbs: [...MAKES, ...REMOVES, ...READS],
    },
    ...each('rds:CreateDBInstance', [database, group, ...defaults], MAKES),
    ...each('rds:RestoreDBInstanceFromDBSnapshot', [database, group, snapshot, ...defaults], MAKES),
    ...each('rds:RestoreDBInstanceToPointInTime', [database, group, ...defaults], MAKES),
    { action: 'rds:ModifyDBInstance', resource: database, verbs: MAKES },
    { action: 'rds:DeleteDBInstance', resource: database, verbs: REMOVES },
    {
      action: 'rds:DescribeDBSubnetGroups',
      resource: `arn:aws:rds:${region}:*:subgrp:*`,
      verbs: [...MAKES, ...REMOVES, ...READS],
    },
    { action: 'rds:ListTagsForResource', resource: group, verbs: [...MAKES, ...REMOVES, ...READS] },
    { action: 'rds:CreateDBSubnetGroup', resource: group, verbs: MAKES },
    { action: 'rds:DeleteDBSubnetGroup', resource: group, verbs: REMOVES },
    // Tags are put as things are made.
    ...each('rds:AddTagsToResource', [database, group, snapshot], [...MAKES, ...TAKES]),
  ];
}

function databaseSnapshots(region: string): readonly Permission[] {
  const snapshot = `arn:aws:rds:${region}:*:snapshot:clusternator-*`;
  const database = `arn:aws:rds:${region}:*:db:clusternator-*`;
  return [
    {
      action: 'rds:DescribeDBSnapshots',
      resource: `arn:aws:rds:${region}:*:snapshot:*`,
      verbs: [...TAKES, ...EXPIRES, ...READS],
    },
    // Of all snapshots of a database, which a list without a name asks for.
    { action: 'rds:DescribeDBSnapshots', resource: `arn:aws:rds:${region}:*:db:*`, verbs: [...EXPIRES, ...READS] },
    { action: 'rds:CreateDBSnapshot', resource: database, verbs: TAKES },
    { action: 'rds:CreateDBSnapshot', resource: snapshot, verbs: TAKES },
    { action: 'rds:DeleteDBSnapshot', resource: snapshot, verbs: EXPIRES },
  ];
}

/** @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html#rds-secrets-manager-permissions */
function secrets(region: string): readonly Permission[] {
  const secret = `arn:aws:secretsmanager:${region}:*:secret:rds!db-*`;
  return [
    // RDS makes the secret in the name of whoever makes the database.
    { action: 'secretsmanager:CreateSecret', resource: secret, verbs: MAKES },
    { action: 'secretsmanager:TagResource', resource: secret, verbs: MAKES },
    { action: 'secretsmanager:DescribeSecret', resource: secret, verbs: MAKES },
    { action: 'secretsmanager:RotateSecret', resource: secret, verbs: MAKES },
    { action: 'kms:DescribeKey', resource: `arn:aws:kms:${region}:*:key/*`, verbs: MAKES },
  ];
}

/** @see https://docs.aws.amazon.com/efs/latest/ug/API_CreateMountTarget.html (what it asks of EC2) */
function files(region: string): readonly Permission[] {
  const system = `arn:aws:elasticfilesystem:${region}:*:file-system/*`;
  const point = `arn:aws:elasticfilesystem:${region}:*:access-point/*`;
  const own = 'elasticfilesystem';
  return [
    { action: `${own}:DescribeFileSystems`, resource: system, verbs: [...MAKES, ...REMOVES, ...READS] },
    { action: `${own}:DescribeMountTargets`, resource: system, verbs: [...MAKES, ...REMOVES, ...READS] },
    { action: `${own}:DescribeAccessPoints`, resource: system, verbs: [...MAKES, ...REMOVES, ...READS] },
    { action: `${own}:CreateFileSystem`, resource: system, verbs: MAKES },
    { action: `${own}:CreateMountTarget`, resource: system, verbs: MAKES },
    { action: `${own}:CreateAccessPoint`, resource: system, verbs: MAKES },
    { action: `${own}:TagResource`, resource: system, verbs: MAKES },
    { action: `${own}:TagResource`, resource: point, verbs: MAKES },
    { action: `${own}:DeleteAccessPoint`, resource: point, verbs: REMOVES },
    { action: `${own}:DeleteMountTarget`, resource: system, verbs: REMOVES },
    { action: `${own}:DeleteFileSystem`, resource: system, verbs: REMOVES },
    { action: 'ec2:DescribeSubnets', resource: '*', verbs: MAKES },
    { action: 'ec2:DescribeNetworkInterfaces', resource: '*', verbs: MAKES },
    { action: 'ec2:CreateNetworkInterface', resource: '*', verbs: MAKES },
    { action: 'ec2:DeleteNetworkInterface', resource: '*', verbs: REMOVES },
  ];
}

/**
 * Volumes and snapshots of EBS have ids alone.
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
 */
function disks(region: string): readonly Permission[] {
  const volume = `arn:aws:ec2:${region}:*:volume/*`;
  const snapshot = `arn:aws:ec2:${region}::snapshot/*`;
  return [
    { action: 'ec2:DescribeVolumes', resource: '*', verbs: [...MAKES, ...REMOVES, ...READS] },
    { action: 'ec2:CreateVolume', resource: volume, verbs: MAKES },
    { action: 'ec2:CreateVolume', resource: snapshot, verbs: MAKES },
    { action: 'ec2:ModifyVolume', resource: volume, verbs: MAKES },
    { action: 'ec2:DeleteVolume', resource: volume, verbs: REMOVES },
    // Which machine holds what is to go.
    { action: 'ec2:DescribeInstances', resource: '*', verbs: REMOVES },
    { action: 'ec2:DescribeSnapshots', resource: '*', verbs: [...TAKES, ...EXPIRES, ...READS] },
    { action: 'ec2:CreateSnapshot', resource: volume, verbs: TAKES },
    { action: 'ec2:CreateSnapshot', resource: snapshot, verbs: TAKES },
    { action: 'ec2:DeleteSnapshot', resource: snapshot, verbs: EXPIRES },
    // Tags are put as things are made.
    { action: 'ec2:CreateTags', resource: volume, verbs: MAKES },
    { action: 'ec2:CreateTags', resource: snapshot, verbs: TAKES },
  ];
}
