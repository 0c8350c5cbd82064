import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { ProviderError } from '../provider/error.ts';
import { documentsIn } from '../state/documents.ts';
import { testCall } from '../state/testing/call.ts';
import { faultyStore } from '../state/testing/faulty-store.ts';
import { expectCode } from '../state/testing/store-suite.ts';
import { resumeOperation, startOperation } from './operation.ts';
import { newWorld, processOn, textStep } from './testing/operations.ts';

const request = { kind: 'create', subject: '1a2b3c', input: { sha: '1a2b3c' } };

async function started(pid = 1, world = newWorld()) {
  const process = processOn(world, pid);
  const run = await startOperation(process.deps, request);
  const written = async () => (await documentsIn(world.store).operations.get(run.id, testCall()))!.document;
  return { ...process, world, run, written };
}

/** What it is rejected with. */
const failure = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('a step', () => {
  test('is written down with its token before it runs, and with its result after it', async () => {
    const { run, written } = await started();
    let during: unknown;
    const result = await run.step(
      textStep('build', async (call) => {
        during = { ...(await written()).steps[0], asked: call.token() };
        return 'sha256:1';
      }),
    );
    expect(result).toBe('sha256:1');
    expect(during).toMatchObject({ id: 'build', title: 'do build', state: 'intended' });
    const { token, asked } = during as { token: string; asked: string };
    expect(asked).toBe(token);
    expect((await written()).steps).toMatchObject([{ id: 'build', state: 'done', token, result: 'sha256:1' }]);
    await run.finish({ url: 'http://x' });
    expect(await written()).toMatchObject({ state: 'done', result: { url: 'http://x' }, epoch: 1 });
  });

  test('that was done gives its result again and does not run again', async () => {
    const { run, events } = await started();
    let runs = 0;
    const step = textStep('build', async () => `run ${++runs}`);
    expect([await run.step(step), await run.step(step)]).toEqual(['run 1', 'run 1']);
    expect(events.flatMap((event) => (event.type === 'step' ? [event.state] : []))).toEqual([
      'started',
      'done',
      'known',
    ]);
    await run.finish();
  });

  test('that failed tells why in the journal, and is made again with the same token', async () => {
    const { run, written } = await started();
    const tokens: string[] = [];
    const step = textStep('build', async (call) => {
      tokens.push(call.token());
      if (tokens.length === 1) throw new ProviderError('quota', 'too many', { hint: 'remove some' });
      return 'made';
    });
    await expectCode('quota', run.step(step));
    expect((await written()).steps).toMatchObject([
      { state: 'failed', error: { code: 'quota', message: 'too many', hint: 'remove some' } },
    ]);
    expect(await run.step(step)).toBe('made');
    expect(tokens[0]).toBe(tokens[1]);
    expect((await written()).steps[0]).not.toHaveProperty('error');
    await run.finish();
  });

  test('may give nothing', async () => {
    const { run, written } = await started();
    const step = { id: 'wait', title: 'wait', result: z.undefined(), deadlineSeconds: 1, run: async () => undefined };
    expect([await run.step<unknown>(step), await run.step<unknown>(step)]).toEqual([undefined, undefined]);
    expect((await written()).steps[0]?.state).toBe('done');
    await run.finish();
  });

  test.each([
    ['too large', 'x'.repeat(70_000)],
    ['not what it said', 7 as unknown as string],
  ])('whose result is %s fails, and says that its effect was made', async (_, result) => {
    const { run } = await started();
    const failed = run.step(textStep('build', async () => result));
    await expect(failed).rejects.toMatchObject({ code: 'internal', effect: 'applied' });
    await run.fail(await failed.catch((error: unknown) => error));
  });

  test('past its deadline is a time-out of unknown effect', async () => {
    const { run, world, written } = await started();
    const step = run.step(
      textStep('start', (call) => world.clock.sleep(999, call.signal).then(() => ''), { deadlineSeconds: 5 }),
    );
    const failed = failure(step);
    await world.clock.advance(6);
    expect(await failed).toMatchObject({ code: 'timeout', effect: 'unknown' });
    expect((await written()).steps[0]).toMatchObject({ state: 'failed', error: { code: 'timeout' } });
    await run.interrupt();
  });

  test('tells its progress', async () => {
    const { run, events } = await started();
    await run.step(
      textStep('push', async (call) => {
        call.progress({ message: 'layer', done: 1, total: 2, unit: 'items' });
        return '';
      }),
    );
    expect(events).toContainEqual({
      type: 'progress',
      operation: run.id,
      step: 'push',
      message: 'layer',
      done: 1,
      total: 2,
      unit: 'items',
    });
    await run.finish();
  });

  test('that was undone is made again under another token', async () => {
    const { run, written } = await started();
    const tokens: string[] = [];
    const step = textStep('build', async (call) => {
      tokens.push(call.token());
      return 'made';
    });
    await run.step(step);
    await run.undo(step);
    expect((await written()).steps[0]).toMatchObject({ state: 'undone' });
    await run.undo(step);
    await run.step(step);
    expect(new Set(tokens).size).toBe(3);
    await run.finish();
  });
});

describe('steps in parallel', () => {
  test('are planned first, run in waves, and lose no change of the journal', async () => {
    const { run, written } = await started();
    let planned: readonly string[] = [];
    const steps = Array.from({ length: 30 }, (_, at) =>
      textStep(
        `s${at}`,
        async () => {
          if (at === 0) planned = (await written()).steps.map((step) => step.state);
          return String(at);
        },
        at >= 10 ? { after: [`s${at - 10}`] } : {},
      ),
    );
    expect(await run.stepsInParallel(steps)).toEqual(Array.from({ length: 30 }, (_, at) => String(at)));
    expect(planned).toHaveLength(30);
    const { steps: kept } = await written();
    expect(kept.map((step) => [step.state, step.result])).toEqual(
      Array.from({ length: 30 }, (_, at) => ['done', String(at)]),
    );
    await run.finish();
  });

  test('are written together where they come together', async () => {
    const world = newWorld();
    const counting = faultyStore(world.store, () => undefined);
    const { run } = await started(1, { ...world, store: counting });
    await run.stepsInParallel(Array.from({ length: 20 }, (_, at) => textStep(`s${at}`, async () => '')));
    expect(counting.puts).toBeLessThan(15);
    await run.finish();
  });

  test('one that fails ends the others, which stay intended', async () => {
    const { run, world, written } = await started();
    const failed = run.stepsInParallel([
      textStep('slow', (call) => world.clock.sleep(50, call.signal).then(() => '')),
      textStep('bad', () => Promise.reject(new ProviderError('invalid', 'it broke'))),
      textStep('later', async () => '', { after: ['slow'] }),
    ]);
    await expect(failed).rejects.toMatchObject({ code: 'invalid', message: 'it broke' });
    expect((await written()).steps.map((step) => step.state)).toEqual(['intended', 'failed', 'planned']);
    await run.fail(await failed.catch((error: unknown) => error));
    expect(await written()).toMatchObject({ state: 'failed', error: { code: 'invalid', message: 'it broke' } });
  });
});

describe('a person who aborts', () => {
  test('ends the step at once; it stays intended, and the operation can be resumed', async () => {
    const { run, abort, world, written } = await started();
    const tokens: string[] = [];
    const step = textStep('start', async (call) => {
      tokens.push(call.token());
      if (tokens.length === 1) await world.clock.sleep(999, call.signal);
      return 'started';
    });
    const concluded = run.conclude(() => run.step(step));
    const failed = expectCode('cancelled', concluded);
    await world.clock.advance(0);
    abort.abort();
    await failed;
    expect(await written()).toMatchObject({ state: 'interrupted', steps: [{ id: 'start', state: 'intended' }] });
    const next = await resumeOperation(processOn(world, 2).deps, run.id);
    expect(next.epoch).toBe(2);
    expect(next.document.input).toEqual(request.input);
    expect(await next.conclude(() => next.step(step))).toBe('started');
    expect(tokens[0]).toBe(tokens[1]);
    expect(await written()).toMatchObject({ state: 'done', epoch: 2 });
  });

  test('before the first step runs nothing', async () => {
    const { run, abort } = await started();
    abort.abort();
    await expectCode('cancelled', run.step(textStep('start', () => Promise.reject(new Error('it ran')))));
    await run.interrupt();
  });
});

describe('an operation', () => {
  test('that has ended takes no more steps, and is not resumed', async () => {
    const { run, deps } = await started();
    await run.finish();
    await expectCode('internal', run.step(textStep('late', async () => '')));
    await expect(resumeOperation(deps, run.id)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('has ended: done'),
    });
  });

  test('that nobody started is not found', async () => {
    await expectCode('not-found', resumeOperation(processOn(newWorld(), 1).deps, '01j'));
  });

  test('with a huge input is invalid', async () => {
    await expectCode(
      'invalid',
      startOperation(processOn(newWorld(), 1).deps, { ...request, input: 'x'.repeat(70_000) }),
    );
  });

  test('leaves no timer behind, however it ends', async () => {
    for (const end of ['finish', 'interrupt', 'abort'] as const) {
      const { run, world } = await started();
      await world.clock.advance(5);
      await run[end]();
      await world.clock.advance(0);
      expect(world.clock.sleeping).toBe(0);
    }
  });

  test('whose journal can not be written says so, and its step is not taken for done', async () => {
    const world = newWorld();
    let broken = false;
    const store = faultyStore(world.store, () => (broken ? 'torn' : undefined));
    const { run } = await started(1, { ...world, store });
    const step = run.step(
      textStep('build', async () => {
        broken = true;
        return 'made';
      }),
    );
    const failed = failure(step);
    await world.clock.advance(30);
    expect(await failed).toMatchObject({ code: 'unavailable', effect: 'unknown' });
    broken = false;
    const again = run.step(textStep('build', async () => 'made again'));
    await world.clock.advance(5); // a heartbeat may be on its way again
    expect(await again).toBe('made again');
    await run.finish();
  });

  test('goes on after lost answers of the journal’s puts', async () => {
    const world = newWorld();
    const faults = ['applied', undefined, 'torn', undefined, 'late', undefined] as const;
    const store = faultyStore(world.store, (put) => faults[put % faults.length]);
    const begun = startOperation(processOn({ ...world, store }, 1).deps, request);
    await world.clock.advance(1);
    const run = await begun;
    const steps = Array.from({ length: 5 }, (_, at) => textStep(`s${at}`, async () => String(at)));
    const all = (async () => {
      for (const step of steps) await run.step(step);
      await run.finish();
    })();
    for (let turn = 0; turn < 60; turn++) await world.clock.advance(0.5);
    await all;
    expect(run.document.steps.map((step) => step.result)).toEqual(['0', '1', '2', '3', '4']);
  });
});
