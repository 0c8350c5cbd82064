import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { documentsIn, type OperationDocument } from '../state/documents.ts';
import { openSqliteStore } from '../state/sqlite.ts';
import { testCall } from '../state/testing/call.ts';
import { Child } from '../state/testing/child.ts';
import { scratchFolder } from '../state/testing/scratch.ts';

const scratch = scratchFolder();
const script = join(import.meta.dirname, 'testing/worker-process.ts');

function scenario() {
  const folder = mkdtempSync(join(scratch, 'crash-'));
  const cloud = mkdtempSync(join(folder, 'cloud-'));
  const file = join(folder, 'state', 'state.db');
  const worker = (mode: 'start' | 'resume', id = '-', at = '') => new Child(script, [file, cloud, mode, id, at]);
  const document = async (id: string): Promise<OperationDocument> => {
    const store = openSqliteStore(file, { readOnly: true });
    const stored = await documentsIn(store).operations.get(id, testCall());
    store.close();
    return stored!.document;
  };
  /** One file a step: its name has the token. */
  const effects = () =>
    readdirSync(cloud)
      .filter((name) => /^[abc]-/.test(name))
      .map((name) => name.charAt(0))
      .sort()
      .join('');
  return { worker, document, effects, cloud, go: () => writeFileSync(join(cloud, '.go'), '') };
}

async function idOf(child: Child): Promise<string> {
  return (await child.says(/^started /)).split(' ')[1]!;
}

const places = ['a', 'b', 'c'].flatMap((step) =>
  ['before', 'intended', 'made', 'written', 'after'].map((where) => `${step}:${where}`),
);

describe('killed with SIGKILL', () => {
  test.each(places)('at %s, a resumed operation ends as an undisturbed one', async (place) => {
    const { worker, document, effects } = scenario();
    const first = worker('start', '-', place);
    const id = await idOf(first);
    await first.says(`at ${place}`);
    await first.kill();
    expect((await document(id)).state).toBe('running');
    const second = worker('resume', id);
    expect(await second.exit()).toBe(0);
    expect(second.lines).toContain('finished');
    expect(effects()).toBe('abc');
    const { state, epoch, steps } = await document(id);
    expect({ state, epoch }).toEqual({ state: 'done', epoch: 2 });
    expect(steps.map((step) => [step.id, step.state, step.result])).toEqual(
      ['a', 'b', 'c'].map((step) => [step, 'done', `${step} of the cloud`]),
    );
  });

  test('again and again, it still ends with one of everything', async () => {
    const { worker, document, effects } = scenario();
    const first = worker('start', '-', 'a:made');
    const id = await idOf(first);
    await first.says('at a:made');
    await first.kill();
    for (const place of ['a:written', 'b:intended', 'b:made', 'c:before', 'c:written']) {
      const next = worker('resume', id, place);
      await next.says(`at ${place}`);
      await next.kill();
    }
    expect(await worker('resume', id).exit()).toBe(0);
    expect(effects()).toBe('abc');
    expect(await document(id)).toMatchObject({ state: 'done', epoch: 7 });
  });
});

describe('two processes', () => {
  test('that resume one operation at once: one goes on, the other is told by whom', async () => {
    const { worker, effects, cloud, go } = scenario();
    const first = worker('start', '-', 'b:intended');
    const id = await idOf(first);
    await first.says('at b:intended');
    await first.kill();
    const both = [worker('resume', id, 'b:made'), worker('resume', id, 'b:made')];
    const loser = await Promise.race(both.map((child) => child.exit().then(() => child)));
    const winner = both.find((child) => child !== loser)!;
    await winner.says('at b:made');
    expect(loser.process.exitCode).toBe(4);
    expect(loser.lines.at(-1)).toMatch(new RegExp(`^failed conflict: .*process ${winner.process.pid}`));
    go();
    expect(await winner.exit()).toBe(0);
    expect(effects()).toBe('abc');
    expect(readFileSync(join(cloud, 'calls.log'), 'utf8')).toBe('a\nb\nc\n');
  });

  test('a live owner is left alone', async () => {
    const { worker, document, go } = scenario();
    const owner = worker('start', '-', 'b:intended');
    const id = await idOf(owner);
    await owner.says('at b:intended');
    const other = worker('resume', id);
    expect(await other.exit()).toBe(4);
    expect(other.lines.at(-1)).toContain(`process ${owner.process.pid}`);
    go();
    expect(await owner.exit()).toBe(0);
    expect((await document(id)).epoch).toBe(1);
  });

  test('an owner that was paused beyond its term and woken again writes nothing more', async () => {
    const { worker, document, effects, go } = scenario();
    const sleeper = worker('start', '-', 'b:made');
    const id = await idOf(sleeper);
    await sleeper.says('at b:made');
    sleeper.process.kill('SIGSTOP');
    const taker = worker('resume', id);
    expect(await taker.exit()).toBe(0);
    const before = await document(id);
    expect(before).toMatchObject({ state: 'done', epoch: 2 });
    go();
    sleeper.process.kill('SIGCONT');
    expect(await sleeper.exit()).toBe(4);
    expect(sleeper.lines.at(-1)).toMatch(/^failed superseded/);
    expect(await document(id)).toEqual(before);
    expect(effects()).toBe('abc');
  });
});
