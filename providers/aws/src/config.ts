import { z } from 'zod';

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
const BUCKET = /^(?!xn--|sthree-)[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]$/;

/** The keys beside `name: aws`. */
export const configSchema = z.strictObject({
  region: z
    .string()
    .regex(/^[a-z]{2,}(?:-[a-z]+)+-\d+$/, 'must be a region such as eu-central-1')
    .optional()
    .describe('Where it runs, such as eu-central-1. Left out: AWS_REGION, or the profile’s.'),
  profile: z
    .string()
    .min(1)
    .optional()
    .describe('A profile of ~/.aws/config. Left out: AWS_PROFILE, or whatever the SDK finds.'),
  bucket: z
    .string()
    .regex(BUCKET, 'must be the name of an S3 bucket')
    .optional()
    .describe('For `state: aws`: the bucket that holds it. It must exist, and should keep versions.'),
});

export type AwsConfig = z.output<typeof configSchema>;
