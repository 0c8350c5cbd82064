import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  ChangeTagsForResourceCommand,
  CreateHostedZoneCommand,
  ListHostedZonesCommand,
  ListTagsForResourceCommand,
  Route53Client,
} from '@aws-sdk/client-route-53';
import { tagsFor } from '@clusternator/core/kit';
import type { Call, DnsProvider, Zone, ZoneMaker } from '@clusternator/core/provider';
import { openScene } from '../ecs/testing/ecs-scene.ts';
import aws from '../index.ts';

const NAME = 'new.example';
const VPC = { VPCRegion: 'us-east-1' as const };

describe.each(['moto', 'ministack'] as const)('on %s', (emulator) => {
  let scene: Awaited<ReturnType<typeof openScene>>;
  let shop: Awaited<ReturnType<(typeof scene)['tenant']>>;
  let route53: Route53Client;
  let dns: DnsProvider;
  let zones: ZoneMaker;
  beforeEach(async () => {
    scene = await openScene(emulator);
    shop = await scene.tenant();
    route53 = new Route53Client(scene.settings);
    const made = await aws.drivers.dns?.({ ...shop.connection, foundation: undefined });
    if (!made?.ownZones) throw new Error('the driver is missing');
    dns = made;
    zones = made.ownZones;
  }, 120_000);
  afterEach(async () => {
    route53.destroy();
    await scene.end();
  });

  const ask = <T>(use: string, work: (call: Call) => Promise<T>): Promise<T> => shop.call(use, work);
  const ensure = (use: string) => ask(use, (call) => zones.ensure(NAME, tags(), call));
  const own = async (): Promise<readonly Zone[]> => {
    const all = await ask('look', (call) => Array.fromAsync(dns.zones(call)));
    return all.filter(({ isOwn }) => isOwn);
  };
  function tags() {
    const { project, stage } = shop.connection.host;
    return tagsFor({ project, stage }, { type: 'foundation', id: 'main', fingerprint: 'f1' });
  }
  async function tagsOf({ id: ResourceId }: Zone): Promise<Readonly<Record<string, string | undefined>>> {
    const command = new ListTagsForResourceCommand({ ResourceType: 'hostedzone', ResourceId });
    const { ResourceTagSet } = await route53.send(command);
    return Object.fromEntries((ResourceTagSet?.Tags ?? []).map(({ Key, Value }) => [Key, Value]));
  }

  test('a zone is made once, told as its own with its name servers and tags, found by a later call, and removed', async () => {
    const first = await ensure('make');
    expect(first).toMatchObject({ name: NAME, isOwn: true, nameServers: expect.arrayContaining([expect.any(String)]) });
    expect(await tagsOf(first)).toMatchObject(tags());
    expect(await ensure('make')).toEqual(first);
    expect(await ensure('later')).toEqual(first);
    expect(await own()).toEqual([{ id: first.id, name: NAME, isOwn: true }]);
    for (const use of ['remove', 'again']) await ask(use, (call) => zones.remove(first, call));
    expect(await own()).toEqual([]);
    expect((await ensure('anew')).id).not.toBe(first.id);
  }, 120_000);

  test('one whose making was cut short before its tags is finished, or removed', async () => {
    const first = await ensure('make');
    const strip = new ChangeTagsForResourceCommand({
      ...{ ResourceType: 'hostedzone', ResourceId: first.id },
      RemoveTagKeys: Object.keys(await tagsOf(first)),
    });
    await route53.send(strip);
    expect(await own()).toHaveLength(1);
    expect(await ensure('later')).toEqual(first);
    expect(await tagsOf(first)).toMatchObject(tags());
    await route53.send(strip);
    await ask('remove', (call) => zones.remove(first, call));
    expect(await own()).toEqual([]);
  }, 120_000);

  test('none is made beside one that is there; a private one is not minded', async () => {
    const theirs = new CreateHostedZoneCommand({ Name: NAME, CallerReference: 'theirs' });
    const hidden = new CreateHostedZoneCommand({
      ...{ Name: NAME, CallerReference: 'hidden', VPC: { ...VPC, VPCId: 'vpc-1' } },
      HostedZoneConfig: { PrivateZone: true },
    });
    await route53.send(hidden);
    const made = await ensure('make');
    await ask('remove', (call) => zones.remove(made, call));
    await route53.send(theirs);
    await expect(ensure('again')).rejects.toMatchObject({ code: 'owned-by-other' });
    const { HostedZones = [] } = await route53.send(new ListHostedZonesCommand({}));
    const ofName = HostedZones.filter(({ Name }) => Name === `${NAME}.`);
    expect(ofName.map(({ CallerReference }) => CallerReference).sort()).toEqual(['hidden', 'theirs']);
  }, 120_000);

  test('one that holds records of others stays, and they are named; so does one that was given to another stage', async () => {
    const zone = await ensure('make');
    const record = { name: `mail.${NAME}`, type: 'A', ttlSeconds: 60, values: ['192.0.2.1'] } as const;
    await ask('write', (call) => dns.change(zone, [{ expected: null, next: record }], call));
    await expect(ask('remove', (call) => zones.remove(zone, call))).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(`mail.${NAME} A`),
    });
    await ask('clear', (call) => dns.change(zone, [{ expected: record, next: null }], call));
    const AddTags = [{ Key: 'clusternator_stage', Value: 'theirs' }];
    await route53.send(new ChangeTagsForResourceCommand({ ResourceType: 'hostedzone', ResourceId: zone.id, AddTags }));
    await expect(ask('remove', (call) => zones.remove(zone, call))).rejects.toMatchObject({ code: 'owned-by-other' });
    expect(await own()).toHaveLength(1);
  }, 120_000);
});
