import assert from 'node:assert/strict';
import type { Environment, Health, LogLine } from '@clusternator/core';
import type { Case } from '../kit/case.ts';
import { must, type Trial } from '../kit/trial.ts';

const FILES = {
  'deep/down/page.html': '<p>deep</p>',
  'app.js': 'go()',
  'two words.txt': 'with a space',
  'größe+100%.txt': 'any letter',
  empty: '',
} as const;

const processes = { drivers: ['environments'], needs: ['environments.processes'] } as const;

export const environmentCases: readonly Case[] = [
  {
    ...processes,
    id: 'environment/what-is-served-is-the-commit',
    number: 48,
    title: "The bytes that are served are the commit's",
    async run(t) {
      const both = await Promise.all(['a1', 'a2'].map((id) => t.environment(id)));
      for (const made of both) {
        const url = t.urlOf(made, t.specs.environment(made.id));
        assert.equal((await t.get(url)).text, made.id);
        assert.equal((await t.get(url, { do: 'marker' })).text, made.id, 'the file of its tree');
      }
    },
  },
  {
    id: 'environment/a-site-is-served-from-its-files',
    number: 48,
    title: "A site's bytes are the commit's, beside a service under another path",
    drivers: ['environments'],
    uses: ['services'],
    needs: ['environments.sites', 'environments.paths'],
    async run(t) {
      const parts = {
        services: { api: t.specs.service('a1', { route: '/api' }) },
        sites: { web: t.specs.site('page of a1') },
      };
      const spec = t.specs.environment('a1', parts);
      const url = t.urlOf(await t.main.make('environments', spec), spec);
      assert.equal((await t.get(url)).text, 'page of a1');
      assert.equal((await t.get(`${url}/api`)).text, 'a1');
      assert.equal((await t.get(`${url}/no-such-page`)).status, 404);
    },
  },
  {
    id: 'environment/every-file-of-a-site-is-served',
    number: 48,
    title: 'Each file of a site is served as it is, whatever its name, and what is not there is not found',
    drivers: ['environments'],
    needs: ['environments.sites'],
    async run(t) {
      const made = await Promise.all(
        ['a1', 'a2'].map(async (id) => {
          const artefact = t.artefacts.tree({ ...FILES, 'index.html': id });
          const spec = t.specs.environment(id, { sites: { web: { artefact, route: '/' } } });
          return { id, artefact, resource: await t.main.make('environments', spec), spec };
        }),
      );
      for (const { id, artefact, resource, spec } of made) {
        const url = t.urlOf(resource, spec);
        const page = await t.followed(url, ({ status }) => status === 200);
        assert.equal(page.text, id);
        for (const [name, text] of Object.entries(FILES)) {
          const found = await t.get(new URL(name.split('/').map(encodeURIComponent).join('/'), `${url}/`).href);
          assert.deepEqual({ name, ...found }, { name, status: 200, text });
        }
        assert.equal((await t.get(new URL('no-such-page', `${url}/`).href)).status, 404);
        const digest = resource.parts.web?.digest ?? artefact.digest;
        assert.equal(digest, artefact.digest, 'the digest that the cloud tells');
      }
    },
  },
  {
    ...processes,
    id: 'environment/the-digest-is-the-artefacts',
    number: 49,
    title: 'The digest of a part, where the cloud tells it, is that of its artefact',
    async run(t) {
      const spec = t.specs.environment('a1');
      const made = await t.main.make('environments', spec);
      const { artefact } = must(spec.services.web, 'the service');
      const wanted = artefact.kind === 'files' ? artefact.digest : artefact.reference;
      const digest = made.parts.web?.digest;
      if (digest !== undefined) assert.ok(wanted.includes(digest), `${digest} is not that of ${wanted}`);
    },
  },
  {
    ...processes,
    id: 'environment/what-a-service-is-given',
    number: 50,
    title: 'A service gets its variables, its secrets, and its needs, which are up before it starts',
    needs: ['environments.processes', 'environments.private'],
    async run(t) {
      const { route: _, ...db } = t.specs.service('the database', { port: 8091, env: { KIT_SLOW_SECONDS: '0.3' } });
      const api = t.specs.service('a1', {
        env: { GREETING: 'größe "1" $HOME', KIT_NEEDS: 'DB_HOST', KIT_NEEDS_PORT: '8091' },
        secrets: { TOKEN: { name: 'TOKEN' } },
        needs: { db: 'DB_HOST' },
      });
      const spec = t.specs.environment('a1', { services: { db, api } });
      const made = await t.main.make('environments', spec);
      assert.equal(made.phase, 'active', JSON.stringify(made.parts));
      const url = t.urlOf(made, spec);
      const env = JSON.parse((await t.get(url, { do: 'env' })).text) as Record<string, string>; // the app's own answer
      const { SECRET } = await import('../kit/trial.ts');
      assert.deepEqual([env.GREETING, env.TOKEN], ['größe "1" $HOME', SECRET]);
      const asked = await t.get(url, { do: 'ask', url: `http://${env.DB_HOST ?? ''}:8091` });
      assert.equal(asked.text, 'the database');
    },
  },
  {
    ...processes,
    id: 'environment/a-service-that-never-starts-fails-with-its-last-words',
    number: 51,
    title: 'A service that never starts fails, with its own last log lines',
    async run(t) {
      const web = t.specs.service('a1', { env: { KIT_FAILS: '1' } });
      const made = await t.main.make('environments', t.specs.environment('a1', { services: { web } }));
      assert.equal(made.phase, 'failed');
      assert.match(must(made.parts.web, 'the part').message ?? '', /the last words of a1/);
    },
  },
  {
    ...processes,
    id: 'environment/a-service-that-crashes-later-turns-unhealthy',
    number: 52,
    title: 'A service that crashes later turns unhealthy',
    async run(t) {
      const made = await t.environment('a1');
      assert.equal((await health(t, made)).healthy, true);
      await t.get(t.urlOf(made, t.specs.environment('a1')), { do: 'crash' }).catch(() => {}); // it ends in the middle of it
      await t.until(
        'its health tells of the crash',
        () => health(t, made),
        (seen) => !seen.healthy && seen.parts.web?.healthy === false,
      );
    },
  },
  {
    ...processes,
    id: 'environment/logs-follow-resume-and-end',
    number: 53,
    title: 'Logs follow, go on after a cursor, and end with their environment',
    async run(t) {
      const made = await t.environment('a1');
      const url = t.urlOf(made, t.specs.environment('a1'));
      const driver = await t.main.environments();
      const lines: LogLine[] = [];
      const following = t.main.call('environments.logs', 'follow', async (call) => {
        for await (const line of driver.logs(made, { follow: true }, call)) lines.push(line);
      });
      const failed = following.catch((error: unknown) => error);
      const heard = (text: string) =>
        t.until(
          `the log has "${text}"`,
          () => lines,
          (all) => all.some((line) => line.text === text),
        );
      await t.get(url, { do: 'log', text: 'the first' });
      const [first] = (await heard('the first')).filter(({ text }) => text === 'the first');
      await t.get(url, { do: 'log', text: 'the second' });
      await heard('the second');
      const rest = await t.main.call('environments.logs', 'resume', (call) =>
        Array.fromAsync(driver.logs(made, { follow: false, after: must(first, 'a line').cursor }, call)),
      );
      assert.deepEqual(
        rest.map(({ text }) => text),
        ['the second'],
        'after the cursor',
      );
      assert.deepEqual([...new Set(lines.map(({ service }) => service))], ['web']);
      await t.main.remove('environments', made);
      const end = await failed;
      assert.ok(end === undefined || (end as { code?: string }).code === 'not-found', `it ended with ${String(end)}`); // whatever was thrown
    },
  },
  {
    ...processes,
    id: 'environment/scale-to-none-and-back',
    number: 54,
    title: 'A service is scaled to none and back while another runs on',
    needs: ['environments.processes', 'environments.scale', 'environments.paths'],
    async run(t) {
      const services = { web: t.specs.service('a1'), api: t.specs.service('a2', { route: '/api', port: 8092 }) };
      const spec = t.specs.environment('a1', { services });
      const made = await t.main.make('environments', spec);
      const url = t.urlOf(made, spec);
      const before = (await t.get(`${url}/api`, { do: 'pid' })).text;
      await scale(t, made, 0);
      await t.until(
        'nothing answers',
        () => t.get(url),
        ({ status }) => status >= 500,
      );
      const none = await health(t, made);
      assert.equal(none.parts.web?.healthy, false, 'none running is not healthy');
      const read = await t.until(
        'it reads as stopped',
        () => t.main.read('environments', made),
        (found) => found?.parts.web?.phase === 'stopped',
      );
      assert.equal(read?.parts.api?.phase, 'active', 'the other is active');
      await scale(t, made, 1);
      await t.until(
        'it answers again',
        () => t.get(url),
        ({ text }) => text === 'a1',
      );
      assert.equal((await t.get(`${url}/api`, { do: 'pid' })).text, before, 'the other ran on');
    },
  },
  {
    ...processes,
    id: 'environment/several-instances-answer',
    number: 4,
    title: 'Several instances of a service answer',
    needs: ['environments.processes', 'environments.instances'],
    async run(t) {
      const web = t.specs.service('a1', { instances: { min: 2, max: 2 } });
      const spec = t.specs.environment('a1', { services: { web } });
      const made = await t.main.make('environments', spec);
      const url = t.urlOf(made, spec);
      const seen = new Set<string>();
      await t.until(
        'both answer',
        async () => seen.add((await t.get(url, { do: 'pid' })).text),
        ({ size }) => size === 2,
      );
      assert.equal((await health(t, made)).parts.web?.instances, 2);
    },
  },
  {
    ...processes,
    id: 'environment/health-tells-of-traffic',
    number: 4,
    title: 'Health tells when a request was last seen',
    needs: ['environments.processes', 'environments.traffic'],
    async run(t) {
      const made = await t.environment('a1');
      const asked = new Date();
      await t.get(t.urlOf(made, t.specs.environment('a1')));
      await t.until(
        'the request was seen',
        () => health(t, made),
        ({ lastRequestAt }) => lastRequestAt !== undefined && lastRequestAt.getTime() >= asked.getTime() - 1000,
      );
    },
  },
];

export async function health(t: Trial, environment: Environment): Promise<Health> {
  const driver = await t.main.environments();
  return t.main.call('environments.health', environment.id, (call) => driver.health(environment, call));
}

async function scale(t: Trial, made: Environment, instances: number): Promise<void> {
  const driver = await t.main.environments();
  await t.main.call('environments.scale', `${made.id} ${String(instances)}`, async (call) =>
    driver.scale?.(made, { web: { min: instances, max: instances } }, call),
  );
}
