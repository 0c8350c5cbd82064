import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { WireCall } from '@clusternator/conformance';
import { systemClock, type Environment, type EnvironmentSpec } from '@clusternator/core';
import { openPacer, pollUntilSettled, retrying } from '@clusternator/core/kit';
import type { RateLimit } from '@clusternator/core/provider';
import { loadBalancerRateLimits } from '../alb/rate-limits.ts';
import { errorOf } from '../errors.ts';
import { openEnvironments } from './open-environments.ts';
import { environmentRateLimits } from './rate-limits.ts';
import { actionOf, openScene, web, type EcsScene, type Tenant } from './testing/ecs-scene.ts';

const ENVIRONMENTS = 100;
/** More have no place behind one load balancer. */
const PUBLIC = 90;
/** As much faster as AWS is made here. */
const SPEED = 10;
const PUBLISHED = { ...environmentRateLimits, ...loadBalancerRateLimits };
const limits = Object.fromEntries(
  Object.entries<RateLimit>(PUBLISHED).map(([name, limit]) => [name, { ...limit, perSecond: limit.perSecond * SPEED }]),
);

/** Which of the published limits AWS counts an action under. */
function limitOf(action: string, service: string): keyof typeof PUBLISHED | undefined {
  if (service === 'elasticloadbalancing') return action.startsWith('Describe') ? 'elbRead' : undefined;
  if (service !== 'ecs') return undefined;
  if (/^(?:Describe|List)/.test(action)) return 'ecsRead';
  return action.includes('TaskDefinition') ? 'ecsTaskDefinitions' : 'ecsServices';
}

function serviceOf({ headers }: WireCall): string {
  return /Credential=[^/]+\/[^/]+\/[^/]+\/([^/]+)\//.exec(headers.authorization ?? '')?.[1] ?? '';
}

/** How load balancers refuse, and how all others do. */
const REFUSALS = [
  [
    (service: string) => service === 'elasticloadbalancing',
    {
      status: 400,
      headers: { 'content-type': 'text/xml' },
      body: '<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>',
    },
  ],
  [
    (service: string) => service !== 'elasticloadbalancing',
    {
      status: 400,
      headers: { 'content-type': 'application/x-amz-json-1.1' },
      body: JSON.stringify({ __type: 'ThrottlingException', message: 'Rate exceeded' }),
    },
  ],
] as const;

/** AWS's side: a bucket of tokens that fills up again. */
class Bucket {
  private tokens: number;
  private at = performance.now();
  constructor(private readonly limit: RateLimit) {
    this.tokens = limit.burst;
  }
  /** @returns Whether there was one left. */
  take(): boolean {
    const now = performance.now();
    this.tokens = Math.min(this.limit.burst, this.tokens + ((now - this.at) / 1000) * this.limit.perSecond);
    this.at = now;
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }
}

let folder: string;
let scene: EcsScene;
let tenant: Tenant;
let end: () => Promise<void>;
beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'aws-pace-'));
  const pacer = openPacer(folder, 'aws', limits, systemClock);
  const pace = (limit: string, call: Parameters<typeof pacer.pace>[1]): Promise<void> => pacer.pace(limit, call);
  scene = await openScene('moto', { open: openEnvironments, pace });
  tenant = await scene.tenant();
  end = async () => {
    await scene.end();
    pacer.close();
    rmSync(folder, { recursive: true });
  };
}, 120_000);
afterEach(() => end());

/** As core does: what is refused is asked for again. */
function make(spec: EnvironmentSpec): Promise<Environment> {
  const doing = `make ${spec.id}`;
  return tenant.call(doing, (call) => {
    const how = { clock: systemClock, call, doing, errorOf };
    return pollUntilSettled(() => retrying(() => tenant.environments.ensure(spec, call), how), how);
  });
}

test('a hundred environments that are made at once keep to what AWS takes, and all are made', async () => {
  const buckets = new Map(Object.entries(limits).map(([name, limit]) => [name, new Bucket(limit)]));
  let refused = 0;
  const isOver = (call: WireCall): boolean => {
    const limit = limitOf(actionOf(call), serviceOf(call));
    if (limit === undefined) return false;
    const isRefused = buckets.get(limit)?.take() === false;
    refused += Number(isRefused);
    return isRefused;
  };
  for (const [isSpoken, refusal] of REFUSALS)
    scene.wire.impose({
      when: (call) => isSpoken(serviceOf(call)) && isOver(call),
      fault: { kind: 'refuse', refusal, after: false },
    });
  const { route: _, health: __, ...worker } = web();
  const specs = Array.from({ length: ENVIRONMENTS }, (___, at) =>
    tenant.spec(`e${String(at).padStart(11, '0')}-1`, { web: at < PUBLIC ? web() : worker }),
  );
  const made = await Promise.all(specs.map(make));
  expect(made.map(({ phase }) => phase)).toEqual(Array.from(specs, () => 'active'));
  const known = await tenant.call('list', (call) => Array.fromAsync(tenant.environments.list(call)));
  expect(known).toHaveLength(ENVIRONMENTS);
  // On their way some calls come closer to each other than they left, where the machine is busy, and are made again. Without a pace it is one
  // for each environment.
  expect(refused).toBeLessThan(ENVIRONMENTS / 2);
}, 300_000);
