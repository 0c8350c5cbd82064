import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ContainerLogLine, InstanceSpec, LogsQuery } from './instance.ts';
import { eventually, harness, type Harness } from './testing/harness.ts';

let h: Harness;
beforeAll(async () => {
  h = await harness();
});
afterAll(() => h.close());

async function read(spec: InstanceSpec, query: Partial<LogsQuery> = {}, count = Infinity): Promise<ContainerLogLine[]> {
  const lines: ContainerLogLine[] = [];
  for await (const line of h.runtime.logs(h.nameOf(spec), { follow: false, ...query }, h.signal)) {
    lines.push(line);
    if (lines.length >= count) break;
  }
  return lines;
}
const texts = (lines: readonly ContainerLogLine[]) => lines.map(({ text }) => text);

async function written(spec: InstanceSpec, count: number): Promise<ContainerLogLine[]> {
  await h.runtime.ensure(spec, h.signal);
  return eventually(
    () => read(spec),
    (lines) => lines.length >= count,
  );
}

describe('the log of a container', () => {
  test('has stdout and stderr, apart and in order, with their times', async () => {
    const before = Date.now();
    const spec = h.script('echo one; sleep 0.1; echo two >&2; sleep 0.1; echo; printf three; sleep 1000', {
      service: 'both',
    });
    const lines = await written(spec, 3);
    expect(lines).toMatchObject([
      { stream: 'stdout', text: 'one' },
      { stream: 'stderr', text: 'two' },
      { stream: 'stdout', text: '' },
    ]);
    expect(lines[0]?.at.getTime()).toBeGreaterThanOrEqual(before - 1000);
    expect(await read(spec, { since: new Date(lines[2]?.at.getTime() ?? 0) })).toMatchObject([{ text: '' }]);
  });

  test('has a line longer than the engine writes at once in one piece, and text that is no UTF-8', async () => {
    const spec = h.script("head -c 100000 /dev/zero | tr '\\0' x; echo; printf 'a\\377b\\n'; echo é; sleep 1000", {
      service: 'long',
    });
    const lines = texts(await written(spec, 3));
    expect(lines[0]).toHaveLength(100_000);
    expect(lines.slice(1)).toEqual(['a\ufffdb', 'é']);
  });

  test('goes on after every line without one lost or seen twice', async () => {
    const spec = h.script('for i in $(seq 1 60); do echo $i; echo e$i >&2; done; sleep 1000', { service: 'resumed' });
    const all = await written(spec, 120);
    for (const [index, line] of all.entries()) {
      expect(texts(await read(spec, { after: line.cursor }))).toEqual(texts(all.slice(index + 1)));
    }
  });

  test('goes on after an interruption at any line while it is written and followed', async () => {
    const spec = h.script(
      'i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo $i; [ $((i % 50)) = 0 ] && sleep 0.3; done; echo end; sleep 1000',
      {
        service: 'followed',
      },
    );
    await h.runtime.ensure(spec, h.signal);
    const seen: string[] = [];
    let after: string | undefined;
    for (let step = 7; seen.at(-1) !== 'end'; step = (step * 3) % 41 || 5) {
      const more = await read(
        spec,
        { follow: true, ...(after === undefined ? {} : { after }) },
        Math.min(step, 401 - seen.length),
      );
      seen.push(...texts(more));
      after = more.at(-1)?.cursor;
    }
    expect(seen).toEqual([...Array.from({ length: 400 }, (_, index) => String(index + 1)), 'end']);
  });

  test('is followed over restarts of its process, and ends with the container', async () => {
    const spec = h.script('echo up; sleep 0.3; echo down >&2; exit 1', { service: 'restarting' });
    await h.runtime.ensure(spec, h.signal);
    const reading = read(spec, { follow: true });
    await h.until(spec, ({ restarts }) => restarts >= 2);
    await h.runtime.stop(h.nameOf(spec), 0, h.signal);
    const followed = texts(await reading);
    expect(followed.filter((text) => text === 'down').length).toBeGreaterThanOrEqual(2);
    expect(followed).toEqual(texts(await read(spec)));
  });

  test('ends when the container is removed', async () => {
    const spec = h.script('echo up; sleep 1000', { service: 'removed' });
    await h.runtime.ensure(spec, h.signal);
    const reading = read(spec, { follow: true });
    await eventually(
      () => h.runtime.lastLines(h.nameOf(spec), 1, h.signal),
      (lines) => lines.length === 1,
    );
    await h.runtime.remove(h.nameOf(spec), 0, h.signal);
    expect(texts(await reading)).toEqual(['up']);
  });

  test('is thrown away from its oldest end, and a place in that goes on with what is left', async () => {
    const chatty = "yes $(head -c 1000 /dev/zero | tr '\\0' x) | head -n 45000; echo end; sleep 1000";
    const spec = h.script(`echo first; sleep 2; ${chatty}`, { service: 'chatty', cpus: 2 });
    const [first] = await written(spec, 1);
    await eventually(
      () => h.runtime.lastLines(h.nameOf(spec), 1, h.signal),
      ([last]) => last === 'end',
    );
    const rest = texts(await read(spec, { after: first?.cursor ?? '' }));
    expect(rest.length).toBeLessThan(45_000);
    expect(rest.length).toBeGreaterThan(10_000);
    expect(rest.at(-1)).toBe('end');
  });

  test('ends at once with the signal', async () => {
    const spec = h.spec({ service: 'silent' });
    await h.runtime.ensure(spec, h.signal);
    const controller = new AbortController();
    const reading = h.runtime.logs(h.nameOf(spec), { follow: true }, controller.signal)[Symbol.asyncIterator]().next();
    setTimeout(() => controller.abort(), 100);
    await expect(reading).rejects.toMatchObject({ code: 'cancelled' });
  });

  test('of no container, or from no place, is an error', async () => {
    await expect(read(h.spec({ service: 'none' }))).rejects.toMatchObject({ code: 'not-found' });
    const spec = h.spec({ service: 'placeless' });
    await h.runtime.ensure(spec, h.signal);
    await expect(read(spec, { after: 'yesterday' })).rejects.toMatchObject({ code: 'invalid' });
    expect(await h.runtime.lastLines('clusternator-none', 5, h.signal)).toEqual([]);
  });

  test('of a container with a terminal is read too', async () => {
    const spec = h.spec({ service: 'terminal' });
    const labels = { clusternator_home: h.home, clusternator_project: 'shop' };
    const Cmd = ['sh', '-c', 'echo one; echo two; sleep 1000'];
    const container = await h.docker.createContainer({
      name: h.nameOf(spec),
      Image: spec.image,
      Cmd,
      Tty: true,
      Labels: labels,
    });
    await container.start();
    expect(
      await eventually(
        async () => texts(await read(spec)),
        (lines) => lines.length === 2,
      ),
    ).toEqual(['one', 'two']);
  });
});
