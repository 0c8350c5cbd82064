import buffer from 'node:buffer';
import crypto from 'node:crypto';
import querystring from 'node:querystring';
import { createContext, Script, type Context } from 'node:vm';

/** A header, a cookie or a part of a query. */
export interface EdgeValue {
  readonly value: string;
  readonly multiValue?: readonly { readonly value: string }[];
}
type Values = Readonly<Record<string, EdgeValue>>;
export interface EdgeRequest {
  readonly method: string;
  readonly uri: string;
  readonly querystring: Values;
  readonly headers: Values;
  readonly cookies: Values;
}
export interface EdgeResponse {
  readonly statusCode: number;
  readonly statusDescription?: string;
  readonly headers?: Values;
  readonly body?: string | { readonly encoding: 'text' | 'base64'; readonly data: string };
}
/** @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html */
export interface EdgeEvent {
  readonly version: '1.0';
  readonly context: {
    readonly distributionDomainName: string;
    readonly distributionId: string;
    readonly eventType: 'viewer-request' | 'viewer-response';
    readonly requestId: string;
  };
  readonly viewer: { readonly ip: string };
  readonly request: EdgeRequest;
  readonly response?: EdgeResponse;
}
/** What a function finds in its key value store. Undefined: there is no such key. */
export type KeyOf = (key: string) => Promise<string | undefined>;

/** Of what would run for ever. CloudFront gives a function a millisecond of its processor, which a busy machine does not. */
const TIMEOUT_MILLISECONDS = 5000;
const IMPORT = /^import (\w+) from ['"](\w+)['"];?$/gm;

/** A published function of the runtime 2.0. */
export class EdgeFunction {
  readonly #script: Script;

  constructor(
    readonly code: string,
    private readonly keyOf: KeyOf,
  ) {
    const text = code.replaceAll(IMPORT, "const $1 = load('$2');");
    this.#script = new Script(`${text}\nhandler;`, { filename: 'function.js' });
  }

  /** @throws What the function throws: CloudFront then answers 503. */
  async run(event: EdgeEvent): Promise<unknown> {
    const context = this.#context();
    const handler = this.#script.runInContext(context, { timeout: TIMEOUT_MILLISECONDS }) as (
      event: unknown,
    ) => unknown; // what a function has to define
    // Nothing of ours goes in but by its text, and nothing comes out otherwise.
    const given: unknown = await handler(JSON.parse(JSON.stringify(event)));
    return JSON.parse(JSON.stringify(given)) as unknown;
  }

  #context(): Context {
    const load = (name: string): unknown => {
      const known: Readonly<Record<string, unknown>> = { buffer, crypto, querystring, cloudfront: this.#cloudFront() };
      if (!Object.hasOwn(known, name)) throw new Error(`there is no module ${name} in CloudFront Functions`);
      return known[name];
    };
    return createContext({ load, console: { log: () => undefined } });
  }

  /** @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-custom-methods.html */
  #cloudFront() {
    const { keyOf } = this;
    const store = {
      async get(key: string, { format = 'string' }: { readonly format?: string } = {}): Promise<unknown> {
        const value = await keyOf(key);
        if (value === undefined) throw new Error(`KeyNotFound: ${key}`);
        return format === 'json' ? JSON.parse(value) : value;
      },
      exists: async (key: string): Promise<boolean> => (await keyOf(key)) !== undefined,
    };
    return { kvs: () => store };
  }
}
