import type { Permission } from '@clusternator/core/provider';
import { rules } from '../foundation/permissions.ts';

const MAKES = ['env create', 'promote'];
const REMOVES = ['env destroy', 'gc'];
const LOOKS = ['env list', 'env show', 'env logs', 'promote', 'rollback'];
const MOVES = ['promote', 'rollback', 'slot repair'];
const ALL = [...new Set([...MAKES, ...REMOVES, ...LOOKS])];

/**
 * What environments and slots of sites ask for.
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudfrontkeyvaluestore.html
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
 */
export const sitePermissions: readonly Permission[] = [
  ...rules('s3', files('arn:aws:s3:::clusternator-*')),
  ...rules('cloudfront-keyvaluestore', keys('arn:aws:cloudfront::*:key-value-store/*')),
];

function files(bucket: string): Parameters<typeof rules>[1] {
  return [
    // Without it, S3 answers 403 for what is not there, and nobody can tell that from a refusal.
    ['ListBucket', [bucket], ALL],
    ['GetObject', [`${bucket}/*`], ALL],
    ['PutObject', [`${bucket}/*`], MAKES],
    ['ListBucketVersions', [bucket], REMOVES],
    ['DeleteObject DeleteObjectVersion', [`${bucket}/*`], REMOVES],
  ];
}

function keys(store: string): Parameters<typeof rules>[1] {
  return [
    ['DescribeKeyValueStore', [store], [...new Set([...ALL, ...MOVES, 'slot list', 'slot show'])]],
    ['GetKey', [store], [...new Set([...ALL, ...MOVES, 'slot list', 'slot show'])]],
    ['ListKeys', [store], [...REMOVES, 'env list', 'slot list', 'state rebuild']],
    ['UpdateKeys', [store], [...new Set([...MAKES, ...REMOVES, ...MOVES])]],
  ];
}
