import { expect, test } from '@jest/globals';
import { CreateHostedZoneCommand, ListResourceRecordSetsCommand, Route53Client } from '@aws-sdk/client-route-53';
import type { RecordSet, Zone } from '@clusternator/core';
import { openScene } from '../ecs/testing/ecs-scene.ts';
import aws from '../index.ts';

test.each(['moto', 'ministack'] as const)(
  'on %s, the top of a zone leads to a load balancer by an alias, which is found again and removed',
  async (emulator) => {
    const scene = await openScene(emulator);
    const route53 = new Route53Client(scene.settings);
    const made = await route53.send(new CreateHostedZoneCommand({ Name: 'shop.example', CallerReference: 'alias' }));
    const zone: Zone = { id: made.HostedZone?.Id?.replace('/hostedzone/', '') ?? '', name: 'shop.example' };
    const shop = await scene.tenant();
    const dns = await aws.drivers.dns?.({ ...shop.connection, foundation: undefined });
    if (!dns) throw new Error('the driver is missing');
    const { dnsName, zone: itsZone } = scene.foundation.loadBalancer;
    const alias: RecordSet = { name: 'shop.example', type: 'ALIAS', ttlSeconds: 60, values: [dnsName.toLowerCase()] };
    const records = () =>
      shop.call('look', (call) => Array.fromAsync(dns.records(zone, { name: 'shop.example', type: 'ALIAS' }, call)));

    await shop.call('make', (call) => dns.change(zone, [{ expected: null, next: alias }], call));
    expect(await records()).toEqual([alias]);
    const command = new ListResourceRecordSetsCommand({ HostedZoneId: zone.id });
    const raw = (await route53.send(command)).ResourceRecordSets?.filter(({ AliasTarget }) => AliasTarget);
    expect(raw).toMatchObject([{ Type: 'A', AliasTarget: { HostedZoneId: itsZone, EvaluateTargetHealth: false } }]);
    await shop.call('remove', (call) => dns.change(zone, [{ expected: alias, next: null }], call));
    expect(await records()).toEqual([]);

    const gone = { ...alias, values: ['gone-1.us-east-1.elb.amazonaws.com'] };
    await expect(
      shop.call('make', (call) => dns.change(zone, [{ expected: null, next: gone }], call)),
    ).rejects.toMatchObject({ code: 'unsupported', message: expect.stringContaining('gone-1') });
    expect(await records()).toEqual([]);
    route53.destroy();
    await scene.end();
  },
  120_000,
);
