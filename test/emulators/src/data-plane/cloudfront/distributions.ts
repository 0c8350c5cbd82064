import {
  DescribeFunctionCommand,
  GetFunctionCommand,
  paginateListDistributions,
  type CloudFrontClient,
  type DistributionSummary,
} from '@aws-sdk/client-cloudfront';
import { GetKeyCommand, type CloudFrontKeyValueStoreClient } from '@aws-sdk/client-cloudfront-keyvaluestore';
import { EdgeFunction, type KeyOf } from './edge-function.ts';

const WILDCARD = '*';
type EventType = 'viewer-request' | 'viewer-response';

/** A distribution with what it runs. */
export interface Distribution {
  readonly summary: DistributionSummary;
  readonly functions: Readonly<Partial<Record<EventType, EdgeFunction>>>;
}

/** All distributions of an account that are on, as the public interface tells of them. */
export class Distributions {
  #all: readonly Distribution[] = [];

  constructor(
    private readonly client: CloudFrontClient,
    private readonly stores: CloudFrontKeyValueStoreClient,
  ) {}

  /** @param name - Its own name, where CNAMEs and aliases lead. */
  has(name: string): boolean {
    return this.#all.some(({ summary }) => summary.DomainName?.toLowerCase() === name);
  }

  /** Which one answers for a host: its own name, an alternate name, or the longest wildcard. */
  answeringFor(host: string): Distribution | undefined {
    const parent = `${WILDCARD}${host.slice(host.indexOf('.'))}`;
    for (const name of [host, parent]) {
      const found = this.#all.find(({ summary }) => namesOf(summary).includes(name));
      if (found) return found;
    }
    return undefined;
  }

  async refresh(): Promise<void> {
    const all: Distribution[] = [];
    for await (const { DistributionList } of paginateListDistributions({ client: this.client }, {})) {
      for (const summary of DistributionList?.Items ?? []) {
        if (summary.Enabled === true && summary.Status === 'Deployed') {
          all.push({ summary, functions: await this.#functionsOf(summary) });
        }
      }
    }
    this.#all = all;
  }

  async #functionsOf({ DefaultCacheBehavior }: DistributionSummary): Promise<Distribution['functions']> {
    const items = DefaultCacheBehavior?.FunctionAssociations?.Items ?? [];
    const loaded = items.map(
      async ({ EventType, FunctionARN = '' }) => [EventType, await this.#load(FunctionARN)] as const,
    );
    return Object.fromEntries(await Promise.all(loaded));
  }

  /** What was published, not what is being worked on. */
  async #load(arn: string): Promise<EdgeFunction> {
    const at = { Name: arn.slice(arn.lastIndexOf('/') + 1), Stage: 'LIVE' } as const;
    const [{ FunctionCode = new Uint8Array() }, { FunctionSummary }] = await Promise.all([
      this.client.send(new GetFunctionCommand(at)),
      this.client.send(new DescribeFunctionCommand(at)),
    ]);
    const store = FunctionSummary?.FunctionConfig?.KeyValueStoreAssociations?.Items?.[0]?.KeyValueStoreARN;
    const code = Buffer.from(FunctionCode).toString();
    const known = this.#all.flatMap(({ functions }) => Object.values(functions)).find((one) => one.code === code);
    return known ?? new EdgeFunction(code, this.#keysOf(store));
  }

  #keysOf(KvsARN: string | undefined): KeyOf {
    return async (Key) => {
      if (KvsARN === undefined) throw new Error('the function has no key value store');
      try {
        return (await this.stores.send(new GetKeyCommand({ KvsARN, Key }))).Value;
      } catch (error) {
        if (error instanceof Object && 'name' in error && error.name === 'ResourceNotFoundException') return undefined;
        throw error;
      }
    };
  }
}

function namesOf({ DomainName = '', Aliases }: DistributionSummary): readonly string[] {
  return [DomainName, ...(Aliases?.Items ?? [])].map((name) => name.toLowerCase());
}
