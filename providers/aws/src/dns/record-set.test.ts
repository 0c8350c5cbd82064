import { expect, test } from '@jest/globals';
import type { ResourceRecordSet } from '@aws-sdk/client-route-53';
import fc from 'fast-check';
import { readRecordSet, sameRecordSet, writeAlias, writeRecordSet } from './record-set.ts';
import { readName, readText, writeText } from './text.ts';

const zone = { id: 'Z1', name: 'shop.example' };

test('any text comes back as it was written, in pieces of at most 255 bytes of printable ASCII', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ minLength: 200, maxLength: 700 })), (text) => {
      const written = writeText(text);
      expect(written).toMatch(/^"[\x20-\x7e]*"(?: "[\x20-\x7e]*")*$/);
      for (const [, piece = ''] of written.matchAll(/"((?:[^"\\]|\\.)*)"/gs))
        expect(piece.replaceAll(/\\(?:[0-7]{3}|.)/gs, 'x').length).toBeLessThanOrEqual(255);
      expect(readText(written)).toBe(text);
    }),
  );
});

test('names lose their last dot and their escapes', () => {
  expect(['\\052.shop.example.', 'a\\137b.shop.example', 'shop.example.'].map(readName)).toEqual([
    '*.shop.example',
    'a_b.shop.example',
    'shop.example',
  ]);
});

test.each<[string, ResourceRecordSet, object | undefined]>([
  [
    'an address',
    { Name: 'a.shop.example.', Type: 'A', TTL: 60, ResourceRecords: [{ Value: '192.0.2.1' }] },
    { name: 'a.shop.example', type: 'A', ttlSeconds: 60, values: ['192.0.2.1'] },
  ],
  [
    'a name, with the dot that somebody else wrote',
    { Name: 'c.shop.example.', Type: 'CNAME', TTL: 60, ResourceRecords: [{ Value: 'x.example.com.' }] },
    { name: 'c.shop.example', type: 'CNAME', ttlSeconds: 60, values: ['x.example.com'] },
  ],
  [
    'a weighted set, which is not ours to change',
    {
      Name: 'w.shop.example.',
      Type: 'A',
      TTL: 60,
      SetIdentifier: 'one',
      Weight: 1,
      ResourceRecords: [{ Value: '192.0.2.1' }],
    },
    { name: 'w.shop.example', type: 'A', ttlSeconds: 60, values: ['192.0.2.1'], opaque: true },
  ],
  [
    'an alias within the zone',
    {
      Name: 'shop.example.',
      Type: 'A',
      AliasTarget: { HostedZoneId: 'Z1', DNSName: 'a.shop.example.', EvaluateTargetHealth: false },
    },
    { name: 'shop.example', type: 'ALIAS', ttlSeconds: 60, values: ['a.shop.example'] },
  ],
  [
    'an alias to a load balancer',
    {
      Name: 'shop.example.',
      Type: 'A',
      AliasTarget: {
        HostedZoneId: 'Z2',
        DNSName: 'Shop-1.eu-west-1.elb.amazonaws.com.',
        EvaluateTargetHealth: false,
      },
    },
    { name: 'shop.example', type: 'ALIAS', ttlSeconds: 60, values: ['shop-1.eu-west-1.elb.amazonaws.com'] },
  ],
  [
    'an alias to something else, which the contract has no word for',
    {
      Name: 'shop.example.',
      Type: 'A',
      AliasTarget: { HostedZoneId: 'Z2', DNSName: 'lb.example.net.', EvaluateTargetHealth: true },
    },
    { name: 'shop.example', type: 'ALIAS', ttlSeconds: 60, values: ['lb.example.net'], opaque: true },
  ],
  ['a type that the contract has no word for', { Name: 'n.shop.example.', Type: 'NAPTR', TTL: 60 }, undefined],
])('Route 53 shows %s', (_, raw, expected) => {
  expect(readRecordSet(raw, zone)).toEqual(expected);
});

test('an alias to both kinds of addresses is one set', () => {
  const alias = { name: 'shop.example', type: 'ALIAS' as const, ttlSeconds: 300, values: ['a.shop.example'] };
  const raw = writeAlias(alias, zone, ['A', 'AAAA']);
  const [read, ...others] = raw.flatMap((one) => readRecordSet(one, zone) ?? []);
  expect(raw.map(({ Type }) => Type)).toEqual(['A', 'AAAA']);
  expect(others).toEqual([]);
  expect(read && sameRecordSet(read, alias)).toBe(true);
});

test('what can not be written says why', () => {
  const set = { name: 'a.shop.example', type: 'A' as const, ttlSeconds: 60, values: ['192.0.2.1'] };
  expect(() => writeRecordSet({ ...set, ttlSeconds: -1 })).toThrow(/TTL is from 0 to 2147483647 seconds/);
  expect(() => writeRecordSet({ ...set, opaque: true })).toThrow(/settings of Route 53's own/);
});
