import { afterEach, expect, test } from '@jest/globals';

import { CloudApp, ZONE } from './cloud-app.ts';
import { Cloud, killed } from './cloud.ts';

interface Shown {
  readonly foundation: {
    readonly state: string;
    readonly zones?: readonly {
      readonly name: string;
      readonly nameServers: readonly string[];
      readonly isServed: boolean;
    }[];
  };
}
const NAME_SERVERS = new RegExp(`the zone ${ZONE} was made.*set the name servers ns-`);

let app: CloudApp;
afterEach(() => app[Symbol.asyncDispose]());

test('a domain that is in no zone gets one, whose name servers are told; the same command goes on, and a destroy takes it away', async () => {
  // A certificate takes as long as it takes to be killed meanwhile.
  app = await CloudApp.in(await Cloud.open('moto', 'else.example', { MOTO_ACM_VALIDATION_WAIT: '5' }));
  const { sandbox, account } = app;
  const zonesOf = async () => {
    const records = Object.keys(await account.records());
    return records.filter((record) => record.endsWith(' SOA')).sort();
  };
  const { cluster: _, ...before } = await account.inventory();
  const { plan } = await sandbox.answer<{ plan: { changes: readonly { what: string }[] } }>(
    'env',
    'create',
    '--dry-run',
  );
  expect(plan.changes.map(({ what }) => what)).toContain(`zone ${ZONE}, which its parent has to lead to`);
  expect(await zonesOf()).toEqual(['else.example SOA']);

  expect(await killed(sandbox, ['foundation', 'create'], NAME_SERVERS)).toBe(true);
  const show = async () => (await sandbox.answer<Shown>('foundation', 'show')).foundation;
  const [zone] = (await show()).zones ?? [];
  expect(zone).toMatchObject({ name: ZONE, isServed: false });
  const told = await sandbox.run(['foundation', 'show']);
  expect(told.stdout).toMatch(
    new RegExp(`^zone {9}${ZONE} on ${zone?.nameServers.join(' ') ?? ''}; nobody is led`, 'm'),
  );
  await app.tool('foundation', 'create');
  const made = await show();
  expect(made).toMatchObject({ state: 'ready', zones: [{ ...zone, isServed: true }] });
  expect(await zonesOf()).toEqual(['else.example SOA', `${ZONE} SOA`]);
  expect((await account.records())[`${ZONE} NS`]).toEqual(zone?.nameServers);
  expect((await app.cloud.dig(`any.${ZONE}`)).length).toBeGreaterThan(0);

  await app.tool('foundation', 'destroy', '--yes');
  expect(await zonesOf()).toEqual(['else.example SOA']);
  const { cluster: __, ...after } = await account.inventory();
  expect(after).toEqual(before);
}, 600_000);
