import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Route53Client } from '@aws-sdk/client-route-53';
import { systemClock } from '@clusternator/core';
import { makeHost, withCall } from '@clusternator/core/kit';
import { ProviderError, type Call, type Host, type Permission } from '@clusternator/core/provider';
import { startEmulator } from '@clusternator/emulators/emulator';
import { Iam, MOTO_ASKS, statementsOf, type Statement } from '@clusternator/emulators/iam';
import { watchRefusals } from '@clusternator/emulators/refusals';
import { tagNewBuckets } from '@clusternator/emulators/tagged-buckets';
import { errorOf } from '../errors.ts';
import { openClients, type Clients } from '../foundation/clients.ts';

export const REGION = 'us-east-1';
const USER = 'shop';
/** Which nobody is refused. A policy has one statement at least. */
const WHO: Statement = { Effect: 'Allow', Action: 'sts:GetCallerIdentity', Resource: '*' };

/** Some of what a command does, which may be done again. */
export interface Chapter {
  /** The command. */
  readonly verb: string;
  readonly play: (call: Call) => Promise<unknown>;
}
/** An account on moto that looks at policies, and a user of it who may do nothing at first. */
export interface PermissionScene {
  readonly host: Host;
  /** Of one who may do anything, around all proxies. */
  readonly raw: Clients & { readonly route53: Route53Client };
  /** Actions without which a chapter failed. */
  readonly needed: ReadonlySet<string>;
  /**
   * Plays a chapter over and over, as the user: each time it has to be refused for an action that is printed for the chapter's command, which
   * is allowed from then on. So it goes on where it ended, one action further each time, until nothing else is needed.
   */
  play(chapter: Chapter): Promise<void>;
  end(): Promise<void>;
}

/** @param printed - What the provider prints. */
export async function openPermissionScene(printed: readonly Permission[]): Promise<PermissionScene> {
  const moto = await startEmulator('moto');
  const iam = await Iam.open(moto.url);
  const keys = await iam.user(USER, [WHO, ...MOTO_ASKS]);
  const buckets = await tagNewBuckets(moto.url, iam.admin);
  const fronts = [await watchRefusals(moto.url), await watchRefusals(buckets.url)] as const;
  const tree = mkdtempSync(path.join(tmpdir(), 'aws-source-'));
  writeFileSync(path.join(tree, 'server.mjs'), '');
  const closes: (() => Promise<void>)[] = [];
  const hostAt = (env: Readonly<Record<string, string>>): Host => {
    const { host, close } = makeHost({
      ...{ project: 'shop', stage: 'main' },
      env: { AWS_REGION: REGION, ...env },
      now: () => new Date(),
      sleep: (seconds, signal) => systemClock.sleep(seconds, signal),
      pace: () => Promise.resolve(),
      emit: () => {},
      secret: (name) => Promise.resolve(`the value of ${name}`),
      folder: () => Promise.resolve(tree),
    });
    closes.push(close);
    return host;
  };
  const admin = hostAt({ ...inEnvironment(iam.admin), AWS_ENDPOINT_URL: moto.url });
  const endpoints = { AWS_ENDPOINT_URL: fronts[0].url, AWS_ENDPOINT_URL_S3: fronts[1].url };
  const route53 = new Route53Client({ region: REGION, endpoint: moto.url, credentials: iam.admin });
  await iam.enforce(true);
  const needed = new Set<string>();
  return {
    host: hostAt({ ...inEnvironment(keys), ...endpoints }),
    raw: { ...(await openClients({ region: REGION }, admin)), route53 },
    needed,
    async play({ verb, play }) {
      const forVerb = printed.filter(({ verbs }) => verbs.includes(verb) || verbs.includes('every command'));
      for (;;) {
        await iam.allow(USER, [WHO, ...statementsOf(forVerb.filter(({ action }) => needed.has(action))), ...MOTO_ASKS]);
        for (const { refused } of fronts) refused.length = 0;
        const error = await failureOf(verb, play);
        for (const front of fronts) await front.idle();
        if (!error) return;
        const action = fronts.flatMap(({ refused }) => refused).find((name) => !allows(forVerb, needed, name));
        if (error.code !== 'denied' || action === undefined) throw error;
        if (!forVerb.some((one) => one.action === action))
          throw new Error(`${verb} asks for ${action}, which is not printed for it`, { cause: error });
        needed.add(action);
      }
    },
    async end() {
      for (const close of closes) await close();
      route53.destroy();
      for (const front of fronts) await front.end();
      await buckets.end();
      iam.end();
      await moto.end();
      rmSync(tree, { recursive: true });
    },
  };
}

function allows(forVerb: readonly Permission[], needed: ReadonlySet<string>, action: string): boolean {
  return needed.has(action) && forVerb.some((one) => one.action === action);
}

async function failureOf(verb: string, play: Chapter['play']): Promise<ProviderError | undefined> {
  const signal = new AbortController().signal;
  const parts = { clock: systemClock, signal, operation: 'op', doing: verb, deadlineSeconds: 60, errorOf };
  try {
    await withCall(parts, play);
    return undefined;
  } catch (error) {
    if (ProviderError.is(error)) return error;
    throw error;
  }
}

function inEnvironment(keys: { readonly accessKeyId: string; readonly secretAccessKey: string }) {
  return { AWS_ACCESS_KEY_ID: keys.accessKeyId, AWS_SECRET_ACCESS_KEY: keys.secretAccessKey };
}
