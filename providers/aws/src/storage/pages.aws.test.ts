import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openScene, type StorageScene, type Tenant } from './testing/storage-scene.ts';

/** moto would want a hundred databases for a second page: what RDS would answer is put on the wire in its place. */
let scene: StorageScene;
let shop: Tenant;
beforeAll(async () => {
  scene = await openScene('moto');
  shop = await scene.tenant();
}, 120_000);
afterAll(() => scene.end());

const postgres = { kind: 'database', engine: { name: 'postgres', version: '17' } } as const;
const tagsOf = (tags: Readonly<Record<string, string>>): string => {
  const all = Object.entries(tags).map(([key, value]) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`);
  return `<TagList>${all.join('')}</TagList>`;
};

/** Answers the list of `action` with two pages. */
function pages(action: string, first: string, second?: string): void {
  const list = action.replace('Describe', '');
  const answer = (entry: string, marker: string) => ({
    status: 200,
    headers: { 'content-type': 'text/xml' },
    body: `<${action}Response><${action}Result><${list}>${entry}</${list}>${marker}</${action}Result></${action}Response>`,
  });
  const isIt = (body: Buffer, hasMarker: boolean) =>
    body.includes(`Action=${action}&`) && !body.includes('Identifier=') && body.includes('Marker=') === hasMarker;
  const more = answer(first, '<Marker>more</Marker>');
  scene.wire.impose({ when: ({ body }) => isIt(body, false), fault: { kind: 'refuse', refusal: more, after: false } });
  if (second === undefined) return;
  const last = answer(second, '');
  scene.wire.impose({ when: ({ body }) => isIt(body, true), fault: { kind: 'refuse', refusal: last, after: false } });
}

test('volumes and snapshots of all pages are listed, and those of others are not', async () => {
  const volume = shop.spec('data', postgres);
  const snapshot = shop.snapshotSpec('p1', { ...volume, phase: 'active', handle: {} });
  const theirs = '<DBInstanceIdentifier>theirs</DBInstanceIdentifier>';
  const ours = `<DBInstanceIdentifier>ours</DBInstanceIdentifier><DBInstanceStatus>creating</DBInstanceStatus>`;
  pages(
    'DescribeDBInstances',
    `<DBInstance>${theirs}</DBInstance>`,
    `<DBInstance>${ours}${tagsOf(volume.tags)}</DBInstance>`,
  );
  pages(
    'DescribeDBSnapshots',
    `<DBSnapshot>${theirs}</DBSnapshot>`,
    `<DBSnapshot>${tagsOf(snapshot.tags)}<Status>available</Status></DBSnapshot>`,
  );
  const { volumes, snapshots } = shop.storage;
  const listed = await shop.call('list', (call) => Array.fromAsync(volumes.list(call)));
  const taken = await shop.call('list', (call) => Array.fromAsync(snapshots?.list(call) ?? []));
  expect(listed.map(({ id, phase }) => [id, phase])).toEqual([['data', 'creating']]);
  expect(taken.map(({ id, phase }) => [id, phase])).toEqual([['p1', 'active']]);
  scene.wire.lift();
});

test('what was begun is found on a later page too', async () => {
  const lift = scene.wire.impose({
    when: ({ body }) => body.includes('Action=CreateDBInstance'),
    fault: { kind: 'reset', after: false },
  });
  await expect(shop.make(shop.spec('half', postgres))).rejects.toThrow('ECONNRESET');
  lift();
  pages('DescribeDBSubnetGroups', '<DBSubnetGroup><VpcId>theirs</VpcId></DBSubnetGroup>');
  const listed = await shop.call('list', (call) => Array.fromAsync(shop.storage.volumes.list(call)));
  expect(listed.map(({ id, phase }) => [id, phase])).toEqual([['half', 'creating']]);
});
