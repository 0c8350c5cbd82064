import { describe, expect, test } from '@jest/globals';
import { expectCode } from '../state/testing/store-suite.ts';
import { attachToOperation, resumeOperation, startOperation } from './operation.ts';
import { newWorld, processOn, textStep } from './testing/operations.ts';

const request = { kind: 'create', subject: '1a2b3c', input: null };
const settled = <T>(promise: Promise<T>) =>
  promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );

describe('a live owner', () => {
  test('shows itself by its heartbeat, and who wants to resume is told who it is', async () => {
    const world = newWorld();
    const run = await startOperation(processOn(world, 1).deps, request);
    const resumed = settled(resumeOperation(processOn(world, 2).deps, run.id));
    await world.clock.advance(3);
    expect(await resumed).toMatchObject({
      error: { code: 'conflict', message: expect.stringContaining('run by ann@box, process 1') },
    });
    await world.clock.advance(60);
    expect(run.document).toMatchObject({ state: 'running', epoch: 1 });
    await run.finish();
  });

  test('is not resumed by its own process', async () => {
    const world = newWorld();
    const { deps } = processOn(world, 1);
    const run = await startOperation(deps, request);
    await expectCode('conflict', resumeOperation(deps, run.id));
    await run.finish();
  });

  test('writes no heartbeat where its steps write anyway', async () => {
    const world = newWorld();
    const run = await startOperation(processOn(world, 1).deps, request);
    for (let at = 0; at < 10; at++) {
      await run.step(textStep(`s${at}`, async () => ''));
      await world.clock.advance(1);
    }
    expect(run.document.heartbeat).toBe(20);
    await run.finish();
  });
});

describe('an owner that is gone', () => {
  test('for certain, is followed at once', async () => {
    const world = newWorld();
    const first = await startOperation(processOn(world, 1).deps, request);
    const second = await resumeOperation(processOn(world, 2, { liveness: () => 'dead' }).deps, first.id);
    expect(second.epoch).toBe(2);
    await second.finish();
    await expectCode('superseded', first.interrupt());
  });

  test('perhaps, is followed after the full term of silence on the watcher’s own clock, and not before', async () => {
    const world = newWorld();
    const silent = { clock: newWorld().clock, store: world.store }; // its clock stands still: a paused process
    const first = await startOperation(processOn(silent, 1).deps, request);
    const resumed = settled(resumeOperation(processOn(world, 2).deps, first.id));
    let isResumed = false;
    void resumed.then(() => (isResumed = true));
    await world.clock.advance(9.9);
    expect(isResumed).toBe(false);
    await world.clock.advance(0.5);
    const second = (await resumed) as { value: Awaited<ReturnType<typeof resumeOperation>> };
    expect(second.value.document).toMatchObject({ epoch: 2, owner: { pid: 2 } });
    await second.value.finish();
    await expectCode('superseded', first.interrupt());
  });

  test('is followed by one only of those that wait', async () => {
    const world = newWorld();
    const first = await startOperation(processOn(world, 1).deps, request);
    const tries = [2, 3, 4].map((pid) =>
      settled(resumeOperation(processOn(world, pid, { liveness: () => 'dead' }).deps, first.id)),
    );
    const results = await Promise.all(tries);
    const winners = results.flatMap((one) => ('value' in one ? [one.value] : []));
    expect(winners).toHaveLength(1);
    const losers = results.flatMap((one) => ('error' in one ? [one.error] : []));
    const lost = { code: 'conflict', message: expect.stringContaining(`process ${winners[0]!.document.owner.pid}`) };
    expect(losers).toMatchObject([lost, lost]);
    await winners[0]!.finish();
    await expectCode('superseded', first.interrupt());
  });
});

describe('an owner that was superseded', () => {
  test('writes nothing more, is aborted, and says who goes on', async () => {
    const world = newWorld();
    const { deps, events } = processOn(world, 1);
    const first = await startOperation(deps, request);
    const step = settled(
      first.conclude(() => first.step(textStep('long', (call) => world.clock.sleep(99, call.signal).then(() => '')))),
    );
    await world.clock.advance(1);
    const second = await resumeOperation(processOn(world, 2, { liveness: () => 'dead' }).deps, first.id);
    await world.clock.advance(4); // its next heartbeat finds out
    expect(await step).toMatchObject({ error: { code: 'superseded', message: expect.stringContaining('process 2') } });
    expect(first.signal.aborted).toBe(true);
    expect(events.at(-1)).toMatchObject({ type: 'step', state: 'failed' });
    expect(events).toContainEqual(expect.objectContaining({ type: 'operation', state: 'superseded' }));
    const before = second.document;
    for (const late of [
      () => first.finish(),
      () => first.fail(new Error('x')),
      () => first.step(textStep('x', async () => '')),
    ]) {
      await expectCode('superseded', late());
    }
    await second.finish();
    expect(second.document.heartbeat).toBe(before.heartbeat + 1);
  });
});

describe('who waits for the operation of another', () => {
  test('sees it go on and end', async () => {
    const world = newWorld();
    const run = await startOperation(processOn(world, 1).deps, request);
    const { deps, events } = processOn(world, 2);
    const seen: string[] = [];
    const attached = attachToOperation(deps, run.id, (document) =>
      seen.push(document.steps.map((step) => step.state).join()),
    );
    await world.clock.advance(1);
    await run.step(textStep('build', async () => ''));
    await world.clock.advance(30);
    await run.finish();
    await world.clock.advance(1);
    expect(await attached).toMatchObject({ ownership: 'ended', document: { state: 'done' } });
    expect(seen).toContain('done');
    expect(events).toContainEqual(expect.objectContaining({ type: 'operation', state: 'attached' }));
  });

  test('learns that nobody goes on with it', async () => {
    const world = newWorld();
    const run = await startOperation(processOn(world, 1).deps, request);
    const attached = attachToOperation(processOn(world, 2).deps, run.id);
    await world.clock.advance(1);
    await run.interrupt();
    await world.clock.advance(1);
    expect(await attached).toMatchObject({ ownership: 'free' });
  });
});
