import { z } from 'zod';

/** What drivers of sites need to know of a foundation: ids and names, no secrets. */
export const siteOutputsSchema = z
  .strictObject({
    region: z.string(),
    account: z.string(),
    /** Right below it environments and slots are named. */
    domain: z.string(),
    /** A private S3 bucket with the files. */
    bucket: z.string(),
    /** The ARN of the key value store, which says what each host leads to. */
    keyValueStore: z.string(),
    /** The CloudFront distribution that answers. */
    distribution: z.strictObject({ id: z.string(), dnsName: z.string() }).readonly(),
  })
  .readonly();

export type SiteFoundation = z.output<typeof siteOutputsSchema>;
