import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { CAPABILITIES, type ProviderError, type Capabilities, type CapabilityName } from '@clusternator/core';
import { bindProvider } from '@clusternator/core/kit';
import type { Case } from '../kit/case.ts';
import { NotCapable, NotRun } from '../kit/report.ts';
import { exercisedBy } from '../kit/exercised.ts';
import { codeOf, errorOf, must, SECRET } from '../kit/trial.ts';

const can = (capabilities: Capabilities, name: CapabilityName): boolean => capabilities[name]?.can === 'yes';

export const contractCases: readonly Case[] = [
  {
    id: 'contract/what-is-declared-is-what-there-is',
    number: 1,
    title: 'Capabilities, examples and drivers agree',
    drivers: [],
    async run(t) {
      const { provider } = t;
      assert.match(provider.id, /^[a-z][a-z0-9-]*$/, 'an id is of [a-z0-9-]');
      assert.ok(Object.keys(provider.examples).length > 0, 'a provider has an example config');
      for (const [name, example] of Object.entries(provider.examples)) {
        const parsed = provider.config.safeParse(example);
        assert.ok(parsed.success, `the example ${name} is no valid config`);
        for (const [capability, declared] of Object.entries(provider.capabilities(parsed.data))) {
          assert.ok(capability in CAPABILITIES, `${capability} is no capability`);
          if (declared.can === 'no') assert.ok(declared.note.length > 0, `${capability} is a no without its reason`);
        }
      }
      const declared = t.capabilities;
      const wanted = { slots: 'slots.router', storage: 'storage.files', dns: 'dns.compareAndSet' } as const;
      for (const [driver, capability] of Object.entries(wanted) as ['slots' | 'storage' | 'dns', CapabilityName][])
        // its own entries
        if (can(declared, capability)) assert.ok(provider.drivers[driver], `${capability} needs a ${driver} driver`);
      if (provider.drivers.dns)
        assert.equal(can(declared, 'dns.zones'), (await t.main.dns()).ownZones !== undefined, 'zones');
      if (!provider.drivers.environments) return;
      const environments = await t.main.environments();
      assert.equal(can(declared, 'environments.scale'), environments.scale !== undefined, 'scale');
      assert.equal(can(declared, 'environments.exec'), environments.exec !== undefined, 'exec');
    },
  },
  {
    id: 'contract/a-bad-config-is-invalid-with-its-path',
    number: 2,
    title: 'A config with an unknown key is invalid, by its path, before any call',
    drivers: [],
    async run(t) {
      const before = t.hasWire ? t.wire.calls.length : 0;
      const bad = { ...(t.account.config as object), 'kit-unknown-key': true }; // a provider's config is an object
      const error = await errorOf(Promise.resolve().then(() => bindProvider(t.provider, bad, t.main.host)));
      assert.equal(error?.code, 'invalid');
      assert.match(error.detail.path ?? '', /^provider/);
      assert.equal(t.hasWire ? t.wire.calls.length : 0, before, 'nothing is asked of the cloud');
    },
  },
  {
    id: 'contract/what-is-a-no-is-unsupported',
    number: 3,
    title: 'What a capability denies is unsupported, and nothing is made',
    drivers: ['environments'],
    async run(t) {
      const image = { kind: 'image', reference: `nothing@sha256:${'0'.repeat(64)}` } as const;
      let tried = 0;
      if (!can(t.capabilities, 'environments.images')) {
        const spec = t.specs.environment('a1', { services: { web: t.specs.service('a1', { artefact: image }) } });
        assert.equal(await codeOf(t.main.ensure('environments', spec)), 'unsupported', 'an image');
        tried += 1;
      }
      if (t.provider.drivers.storage && !can(t.capabilities, 'storage.databases')) {
        const spec = t.specs.volume('v1', { kind: 'database', engine: { name: 'postgres', version: '17' } });
        assert.equal(await codeOf(t.main.ensure('volumes', spec)), 'unsupported', 'a database');
        assert.equal(await t.main.read('volumes', { id: 'v1' }), undefined);
        tried += 1;
      }
      if (tried === 0) throw new NotCapable('nothing that a spec can ask for is a no');
      assert.equal(await t.main.read('environments', { id: 'a1' }), undefined);
    },
  },
  {
    id: 'contract/a-plan-writes-nothing',
    number: 5,
    title: 'A plan says what would be made, and writes nothing',
    drivers: ['environments'],
    uses: ['wire'],
    async run(t) {
      const environments = await t.main.environments();
      if (!environments.plan) throw new NotCapable('its drivers have no plan');
      const spec = t.specs.environment('a1');
      const before = t.wire.mutations;
      const plan = await t.main.call('environments.plan', 'a1', async (call) => environments.plan?.(spec, call));
      assert.ok(
        must(plan, 'a plan').changes.some(({ action }) => action === 'create'),
        'it creates something',
      );
      assert.equal(t.wire.mutations, before);
      await t.main.make('environments', spec);
      const again = await t.main.call('environments.plan', 'a1', async (call) => environments.plan?.(spec, call));
      assert.deepEqual(again?.changes, [], 'what is there needs no change');
    },
  },
  {
    id: 'contract/the-wrong-escape-hatch-is-undefined',
    number: 6,
    title: 'An escape hatch opens its own kind of resource alone',
    drivers: ['environments', 'slots'],
    needs: ['slots.router'],
    uses: ['natives'],
    async run(t) {
      const made = { environments: await t.environment('a1'), slots: await t.main.make('slots', t.specs.slot('s1')) };
      for (const [kind, key] of Object.entries(t.harness.natives ?? {})) {
        for (const [other, resource] of Object.entries(made)) {
          if (kind === other) assert.ok(key.of(resource) !== undefined, `the key of ${kind} opens it`);
          else assert.equal(key.of(resource), undefined, `the key of ${kind} opens no ${other}`);
        }
      }
    },
  },
  {
    id: 'contract/a-secret-is-told-to-nobody',
    number: 7,
    title: "A secret's value is in no resource, event, error, address or argument list",
    drivers: ['environments'],
    uses: ['services'],
    async run(t) {
      const web = t.specs.service('a1', { secrets: { TOKEN: { name: 'TOKEN' } } });
      const spec = t.specs.environment('a1', { services: { web } });
      if (t.hasWire && t.harness.refusals?.denied) {
        // From the second on: the first of some clouds holds no secret.
        t.wire.impose({
          when: ({ body }) => body.includes(SECRET),
          fault: { kind: 'refuse', refusal: t.harness.refusals.denied, after: false },
        });
        const error = await errorOf(t.main.make('environments', spec));
        assert.ok(!describe(error).includes(SECRET), 'in an error');
        t.wire.lift();
      }
      const made = await t.main.make('environments', spec);
      const environments = await t.main.environments();
      const health = await t.main.call('environments.health', 'a1', (call) => environments.health(made, call));
      const told = JSON.stringify([made, health, await t.main.list('environments'), t.told, await t.things()]);
      assert.ok(!told.includes(SECRET), 'in what the drivers tell');
      if (t.hasWire) assert.ok(!t.wire.calls.some(({ path }) => path.includes(SECRET)), 'in an address');
      assert.ok(!argumentLists().some((list) => list.includes(SECRET)), 'in the arguments of a process');
    },
  },
];

/** After all others. */
export const accountingCase: Case = {
  id: 'contract/every-yes-is-exercised',
  number: 4,
  title: 'Each capability that is a yes is exercised by a case that passed',
  drivers: [],
  async run(t) {
    const exercised = exercisedBy(t.capabilities, t.before);
    const unproven = Object.entries(exercised).flatMap(([name, cases]) => (cases.length === 0 ? [name] : []));
    const casesOf = (name: string) => t.before.filter(({ needs }) => needs.some((need) => need === name));
    const disproven = unproven.filter((name) => {
      const cases = casesOf(name);
      return cases.length > 0 && cases.every(({ outcome }) => outcome !== 'not-run');
    });
    assert.deepEqual(disproven, [], 'declared as a yes, and exercised by no case that passed');
    const open = unproven.map((name) => `${name}${casesOf(name).length === 0 ? ' (the kit has no case of it)' : ''}`);
    if (open.length > 0) throw new NotRun(`not exercised: ${open.join(', ')}`);
  },
};

function describe(error: ProviderError | undefined): string {
  return error ? `${error.message} ${JSON.stringify(error)} ${error.stack ?? ''} ${String(error.detail.cause)}` : '';
}

/** Of all processes of this machine, where it tells. */
function argumentLists(): readonly string[] {
  try {
    return readdirSync('/proc').flatMap((pid) => {
      if (!/^\d+$/.test(pid)) return [];
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, 'utf8')];
      } catch {
        return []; // it has ended
      }
    });
  } catch {
    return [];
  }
}
