import { createHash } from 'node:crypto';
import {
  CreateFunctionCommand,
  DeleteFunctionCommand,
  DescribeFunctionCommand,
  PublishFunctionCommand,
  UpdateFunctionCommand,
  type FunctionConfig,
  type FunctionStage,
} from '@aws-sdk/client-cloudfront';
import type { Part } from '../../foundation/part.ts';
import type { Site } from '../../foundation/site.ts';
import { unlessAbsent } from '../../storage/aws-error.ts';
import { routerCode } from '../router-code.ts';
import { STORE, storeOf } from './key-value-store.ts';
import { ownTagged } from './tagged.ts';

export const FUNCTION = 'function';
export const PUBLISHED = 'published function';
/** Its code can't be read without another request, and what is there is told by its comment. */
const COMMENT = `clusternator ${createHash('sha256').update(routerCode).digest('hex').slice(0, 16)}`;

/** Runs for each request, and leads it to the files of an environment. */
const development: Part = {
  name: FUNCTION,
  after: [STORE],
  async find(at) {
    const is = await describe(at, 'DEVELOPMENT');
    if (!is) return undefined;
    await ownTagged(at, `the CloudFront function ${at.of}`, is.arn);
    const store = await at.find(STORE);
    return {
      id: is.arn,
      phase: 'active',
      differs: is.comment !== COMMENT || is.store !== store?.id,
      details: { etag: is.etag },
    };
  },
  async make(at, found) {
    const request = { Name: at.of, FunctionConfig: await configOf(at), FunctionCode: Buffer.from(routerCode) };
    const { FunctionSummary, ETag = '' } = await at.send(({ cloudFront }, options) => {
      if (found) return cloudFront.send(new UpdateFunctionCommand({ ...request, IfMatch: etagOf(found) }), options);
      return cloudFront.send(new CreateFunctionCommand({ ...request, Tags: { Items: at.tags(FUNCTION) } }), options);
    });
    return { id: FunctionSummary?.FunctionMetadata?.FunctionARN ?? '', phase: 'active', details: { etag: ETag } };
  },
  async remove(at, found) {
    const command = new DeleteFunctionCommand({ Name: at.of, IfMatch: etagOf(found) });
    await at.send(({ cloudFront }, options) => cloudFront.send(command, options));
  },
};

/** What is published alone answers requests. */
const live: Part = {
  name: PUBLISHED,
  after: [FUNCTION],
  within: FUNCTION,
  async find(at) {
    const is = await describe(at, 'LIVE');
    const store = await at.find(STORE);
    return is && { id: is.arn, phase: 'active', differs: is.comment !== COMMENT || is.store !== store?.id };
  },
  async make(at) {
    const found = await at.find(FUNCTION);
    const command = new PublishFunctionCommand({ Name: at.of, IfMatch: found && etagOf(found) });
    await at.send(({ cloudFront }, options) => cloudFront.send(command, options));
    return { id: await at.idOf(FUNCTION), phase: 'active' };
  },
};

export const router: readonly Part[] = [development, live];

async function configOf(at: Site): Promise<FunctionConfig> {
  return {
    Comment: COMMENT,
    Runtime: 'cloudfront-js-2.0',
    KeyValueStoreAssociations: { Quantity: 1, Items: [{ KeyValueStoreARN: await storeOf(at) }] },
  };
}

interface Described {
  readonly arn: string;
  readonly comment: string;
  readonly store: string | undefined;
  readonly etag: string;
}

async function describe(at: Site, Stage: FunctionStage): Promise<Described | undefined> {
  const asked = at.send(({ cloudFront }, options) =>
    cloudFront.send(new DescribeFunctionCommand({ Name: at.of, Stage }), options),
  );
  const answer = await unlessAbsent(asked, ['NoSuchFunctionExists']);
  if (!answer) return undefined;
  const { FunctionConfig, FunctionMetadata } = answer.FunctionSummary ?? {};
  return {
    arn: FunctionMetadata?.FunctionARN ?? '',
    comment: FunctionConfig?.Comment ?? '',
    store: FunctionConfig?.KeyValueStoreAssociations?.Items?.[0]?.KeyValueStoreARN,
    etag: answer.ETag ?? '',
  };
}

function etagOf({ details }: { readonly details?: Readonly<Record<string, string>> }): string {
  return details?.etag ?? '';
}
