import { describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freeSubnet, gatewayOf, routedSubnets } from './subnets.ts';

describe('a free subnet', () => {
  test('is the same for the same name, and its own for 512 of them', () => {
    const taken: string[] = [];
    for (let index = 0; index < 512; index++) taken.push(freeSubnet(`n${index}`, taken) ?? '');
    expect(new Set(taken).size).toBe(512);
    expect(taken.every((subnet) => /^172\.16\.\d+\.(0|128)\/25$/.test(subnet))).toBe(true);
    expect(freeSubnet('one more', taken)).toBeUndefined();
    expect(freeSubnet('n0', [])).toBe(taken[0]);
  });

  test('overlaps nothing larger or smaller', () => {
    const subnet = freeSubnet('shop', [
      '172.16.0.0/17',
      '172.16.128.0/18',
      '172.16.192.1/32',
      '10.0.0.0/8',
      'fd00::/64',
    ]);
    expect(subnet).toMatch(/^172\.16\.(19[2-9]|2\d\d)\./);
    expect(subnet).not.toBe('172.16.192.0/25');
    expect(freeSubnet('shop', ['172.16.0.0/12'])).toBeUndefined();
  });
});

test('the machine is at the first address of a subnet', () => {
  expect(gatewayOf('172.16.3.128/25')).toBe('172.16.3.129');
  expect(gatewayOf('fd00::/64')).toBeUndefined();
});

test('routes of this machine are read, the default one left out', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'clusternator-route-'));
  const file = join(folder, 'route');
  await writeFile(
    file,
    [
      'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
      'eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0',
      'eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
      'tun0\t000010AC\t00000000\t0001\t0\t0\t0\t0000F0FF\t0\t0\t0',
      '',
    ].join('\n'),
  );
  expect(await routedSubnets(file)).toEqual(['192.0.2.0/24', '172.16.0.0/12']);
  expect(await routedSubnets(join(folder, 'none'))).toEqual([]);
  await rm(folder, { recursive: true });
});
