import crypto from 'node:crypto';
import { createContext, runInContext } from 'node:vm';
import { routerCode } from '../router-code.ts';

interface Value {
  readonly value: string;
}
/** What a function gives back: the request that goes on, or an answer. */
export interface Routed {
  readonly uri?: string;
  readonly querystring?: Readonly<Record<string, unknown>>;
  readonly statusCode?: number;
  readonly headers: Readonly<Record<string, Value>>;
  readonly body?: string;
}
export interface Asked {
  readonly host: string;
  readonly uri: string;
  readonly method?: string;
  readonly querystring?: Readonly<Record<string, Value>>;
}

/** Runs the CloudFront function as CloudFront does, over these values. @param random - What chance says. */
export async function runRouter(store: ReadonlyMap<string, string>, asked: Asked, random = 0.5): Promise<Routed> {
  const { host, uri, method = 'GET', querystring = {} } = asked;
  const headers = { host: { value: host } };
  return handlerOver(
    store,
    random,
  )({ context: { eventType: 'viewer-request' }, request: { method, uri, querystring, headers } });
}

/** The same once there is an answer. */
export async function runAfter(headers: Readonly<Record<string, Value>>): Promise<Routed> {
  const request = { method: 'GET', uri: '/', querystring: {}, headers: {} };
  return handlerOver(
    new Map(),
    0,
  )({ context: { eventType: 'viewer-response' }, request, response: { headers: { ...headers } } });
}

type Handler = (event: unknown) => Promise<Routed>;

function handlerOver(store: ReadonlyMap<string, string>, random: number): Handler {
  const kvs = {
    get: (key: string) => {
      const value = store.get(key);
      return value === undefined ? Promise.reject(new Error(`no ${key}`)) : Promise.resolve(value);
    },
    exists: (key: string) => Promise.resolve(store.has(key)),
  };
  const modules = { cloudfront: { kvs: () => kvs }, crypto };
  const code = routerCode.replaceAll(/^import (\w+) from '(\w+)';$/gm, 'const $1 = modules.$2;');
  const context = createContext({ modules });
  runInContext(`${code}\nMath.random = () => ${String(random)};`, context);
  return runInContext('handler', context) as Handler; // what the code defines
}
