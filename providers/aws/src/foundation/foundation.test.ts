import { expect, test } from '@jest/globals';
import { foundationConfigSchema } from './config.ts';
import { blockOf } from './parts/subnets.ts';
import { shapeOf } from './shape.ts';
import { tellParts } from './tell-parts.ts';

const configOf = (given: unknown) => foundationConfigSchema.parse({ region: 'eu-central-1', ...(given as object) });
const subnets = { public: ['subnet-1a', 'subnet-1b'], db: ['subnet-2a', 'subnet-2b'] };

test('a network is two zones and one way out unless it is said', () => {
  expect(configOf({})).toMatchObject({ network: { cidr: '10.0.0.0/16', zones: 2, nat: 'one' }, logDays: 30 });
  expect(configOf({ network: { nat: 'none' } }).network).toMatchObject({ zones: 2, nat: 'none' });
  expect(configOf({ network: { vpc: 'vpc-1', subnets } }).network).toEqual({ vpc: 'vpc-1', subnets });
});

test.each([
  [{ network: { zones: 1 } }, 'network.zones'],
  [{ network: { cidr: '10.0.0.0/24' } }, 'network.cidr'],
  [{ network: { cidr: '10.0.0.300/16' } }, 'network.cidr'],
  [{ network: { vpc: 'vpc-1' } }, 'network.subnets'],
  [{ network: { subnets } }, 'network.subnets'],
  [{ network: { vpc: 'vpc-1', subnets, nat: 'one' } }, 'network.nat'],
  [{ network: { vpc: 'vpc-1', subnets: { ...subnets, db: ['subnet-2a'] } } }, 'network.subnets.db'],
  [{ logDays: 8 }, 'logDays'],
  [{ loadBalancers: 0 }, 'loadBalancers'],
  [{ loadBalancers: 11 }, 'loadBalancers'],
])('%j is refused with its path', (given, path) => {
  const { error } = foundationConfigSchema.safeParse(given);
  expect(error?.issues.map((issue) => issue.path.join('.'))).toEqual([path]);
});

test('a network is cut into blocks that do not meet, within it', () => {
  expect(blockOf('10.0.0.0/16', 0)).toBe('10.0.0.0/21');
  expect(blockOf('10.0.0.0/16', 8)).toBe('10.0.64.0/21');
  expect(blockOf('10.0.0.0/16', 21)).toBe('10.0.168.0/21');
  expect(blockOf('192.168.254.0/23', 21)).toBe('192.168.255.80/28');
  expect(blockOf('10.0.77.9/16', 1)).toBe('10.0.8.0/21');
});

test('of two stages that differ in their sizes, only sizes differ', () => {
  const staging = tellParts(shapeOf(configOf({ network: { nat: 'one' }, logDays: 7 }), 'staging.example'));
  const production = tellParts(
    shapeOf(configOf({ network: { nat: 'zone', zones: 3 }, loadBalancers: 2, logDays: 365 }), 'shop.example'),
  );
  const differing = production.filter((part, index) => JSON.stringify(part) !== JSON.stringify(staging[index]));
  expect(differing).toEqual([
    { what: 'network', settings: { cidr: '10.0.0.0/16', zones: 3 } },
    { what: 'subnets', settings: { public: 3, app: 3, db: 3 } },
    { what: 'NAT gateways', settings: { count: 3 } },
    { what: 'load balancer', settings: { http: 'redirects', https: true, count: 2 } },
    { what: 'log group', settings: { days: 365 } },
  ]);
});
