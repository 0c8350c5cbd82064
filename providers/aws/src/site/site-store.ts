import {
  DescribeKeyValueStoreCommand,
  GetKeyCommand,
  paginateListKeys,
  UpdateKeysCommand,
  type CloudFrontKeyValueStoreClient,
} from '@aws-sdk/client-cloudfront-keyvaluestore';
import { ProviderError, type Call, type Host } from '@clusternator/core/provider';
import { isNamed, unlessAbsent } from '../storage/aws-error.ts';

/** @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-keyvaluestores */
const KEYS_OF_ONE_WRITE = 50;
const KEYS_OF_ONE_PAGE = 50;
const TRIES = 12;
const FIRST_PAUSE_SECONDS = 0.05;
const LONGEST_PAUSE_SECONDS = 2;

/** By key, what to write; undefined removes it. */
export type Change = ReadonlyMap<string, string | undefined>;

/**
 * The key value store that the distribution's function reads. A write is all or nothing, on condition that nothing was written since the version
 * that it goes by: of the whole store, so that a neighbour's write is a conflict too. Then it is read and decided again.
 * @see https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_kvs_UpdateKeys.html
 */
export class SiteStore {
  constructor(
    private readonly client: CloudFrontKeyValueStoreClient,
    private readonly host: Host,
    private readonly arn: string,
  ) {}

  async version(call: Call): Promise<string> {
    const command = new DescribeKeyValueStoreCommand({ KvsARN: this.arn });
    const { ETag = '' } = await this.client.send(command, { abortSignal: call.signal });
    return ETag;
  }

  async get(Key: string, call: Call): Promise<string | undefined> {
    const command = new GetKeyCommand({ KvsARN: this.arn, Key });
    const answer = await unlessAbsent(this.client.send(command, { abortSignal: call.signal }), ['ResourceNotFound']);
    return answer?.Value;
  }

  async all(call: Call): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>();
    const input = { KvsARN: this.arn, MaxResults: KEYS_OF_ONE_PAGE };
    for await (const { Items = [] } of paginateListKeys({ client: this.client }, input, { abortSignal: call.signal })) {
      for (const { Key = '', Value = '' } of Items) found.set(Key, Value);
    }
    return found;
  }

  /** One write. @returns The version after it. @throws ProviderError `conflict`: it is not that version any more, and nothing was written. */
  async write(change: Change, version: string, call: Call): Promise<string> {
    const entries = [...change];
    const command = new UpdateKeysCommand({
      KvsARN: this.arn,
      IfMatch: version,
      Puts: entries.flatMap(([Key, Value]) => (Value === undefined ? [] : [{ Key, Value }])),
      Deletes: entries.flatMap(([Key, Value]) => (Value === undefined ? [{ Key }] : [])),
    });
    try {
      const { ETag = '' } = await this.client.send(command, { abortSignal: call.signal });
      return ETag;
    } catch (cause) {
      if (!isNamed(cause, ['Conflict', 'PreconditionFailed'])) throw cause;
      throw new ProviderError('conflict', 'the key value store was written by somebody else meanwhile', {
        effect: 'none',
        cause,
      });
    }
  }

  /**
   * Reads, decides and writes, over again where somebody else wrote in between. Of more keys than one write takes, those come last that are
   * first in the map: whoever leads to others is put there.
   * @param decide - Told what there is by what it asks for. Undefined: there is nothing to write.
   * @throws ProviderError `conflict`: others write all the time; whatever `decide` throws.
   */
  async change(decide: (call: Call) => Promise<Change | undefined>, call: Call): Promise<void> {
    for (let tries = 1; ; tries++) {
      const version = await this.version(call);
      const change = await decide(call);
      if (!change || change.size === 0) return;
      try {
        await this.writeAll(change, version, call);
        return;
      } catch (error) {
        if (!ProviderError.is(error) || error.code !== 'conflict' || tries === TRIES) throw error;
      }
      const pause = Math.min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** tries);
      await this.host.sleep(pause * Math.random(), call);
    }
  }

  private async writeAll(change: Change, version: string, call: Call): Promise<void> {
    const entries = [...change].reverse();
    for (let at = 0, now = version; at < entries.length; at += KEYS_OF_ONE_WRITE) {
      now = await this.write(new Map(entries.slice(at, at + KEYS_OF_ONE_WRITE)), now, call);
    }
  }
}
