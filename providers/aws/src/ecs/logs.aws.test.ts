import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CreateLogStreamCommand, PutLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import type { Environment, LogLine, LogQuery } from '@clusternator/core';
import { keyOf } from './handle.ts';
import { actionOf, openScene, web, type EcsScene, type Tenant } from './testing/ecs-scene.ts';

describe.each(['moto', 'ministack'] as const)('logs on %s', (emulator) => {
  let scene: EcsScene;
  let shop: Tenant;
  beforeAll(async () => {
    scene = await openScene(emulator);
    shop = await scene.tenant();
  }, 120_000);
  afterAll(() => scene.end());

  const started = Date.now() - 60_000;
  let logged = 0;
  /** As a task's container does: each line a second after the one before. */
  const say = async (environment: Environment, service: string, ...lines: readonly string[]): Promise<void> => {
    const logStreamName = `${keyOf(environment.handle) ?? ''}/${service}/task1`;
    const stream = { logGroupName: scene.foundation.logGroup, logStreamName };
    await scene.raw.logs.send(new CreateLogStreamCommand(stream)).catch(() => undefined); // it is there
    const logEvents = lines.map((message) => ({ message, timestamp: started + 1000 * logged++ }));
    await scene.raw.logs.send(new PutLogEventsCommand({ ...stream, logEvents }));
  };
  const read = (environment: Environment, query: Partial<LogQuery> = {}): Promise<readonly LogLine[]> =>
    shop.call('logs', (call) =>
      Array.fromAsync(shop.environments.logs(environment, { follow: false, ...query }, call)),
    );
  const texts = (lines: readonly LogLine[]): readonly string[] => lines.map(({ text }) => text);

  test('lines of all services come in the order of their times, and go on after any of them', async () => {
    const made = await shop.make(shop.spec('a1', { web: web(), api: web({ route: '/api', port: 8081 }) }));
    const other = await shop.make(shop.spec('a2'));
    expect(await read(made)).toEqual([]);
    await say(made, 'web', 'one', 'two');
    await say(other, 'web', 'theirs');
    await say(made, 'api', 'three');
    await say(made, 'web', 'four');
    const all = await read(made);
    expect(texts(all)).toEqual(['one', 'two', 'three', 'four']);
    expect(all[2]).toMatchObject({ service: 'api', instance: 'task1', at: new Date(started + 3000) });
    for (const [at, { cursor }] of all.entries()) {
      expect(texts(await read(made, { after: cursor }))).toEqual(texts(all.slice(at + 1)));
    }
    expect(texts(await read(made, { services: ['api'] }))).toEqual(['three']);
    expect(texts(await read(made, { services: ['api', 'web'] }))).toHaveLength(4);
    expect(texts(await read(made, { since: new Date(started + 3000) }))).toEqual(['three', 'four']);
  });

  test('who follows is told what comes, each line once, until the environment ends; its log stays', async () => {
    const made = await shop.make(shop.spec('b1'));
    await say(made, 'web', 'before');
    const lines: LogLine[] = [];
    const heard = async (count: number): Promise<void> => {
      while (lines.length < count) await new Promise((resolve) => setTimeout(resolve, 50));
    };
    const following = shop.call('follow', async (call) => {
      for await (const line of shop.environments.logs(made, { follow: true }, call)) lines.push(line);
    });
    await heard(1);
    await say(made, 'web', 'after');
    await heard(2);
    await (await scene.tenant()).remove('b1');
    await following;
    expect(texts(lines)).toEqual(['before', 'after']);
    expect(texts(await read(made))).toEqual(['before', 'after']);
  });

  test('an abort ends who follows at once', async () => {
    const made = await shop.make(shop.spec('c1'));
    const abort = new AbortController();
    const following = shop.call('follow', (call) =>
      Array.fromAsync(
        shop.environments.logs(
          made,
          { follow: true },
          { ...call, signal: AbortSignal.any([call.signal, abort.signal]) },
        ),
      ),
    );
    abort.abort();
    await expect(following).rejects.toThrow();
  });

  test('a service that does not start fails, in the words of ECS and of its last task', async () => {
    const spec = shop.spec('d1');
    const made = await shop.make(spec);
    const key = keyOf(made.handle) ?? '';
    await say(made, 'web', 'no such table: users');
    const { cluster } = scene.foundation;
    const task = {
      taskArn: `arn:aws:ecs:us-east-1:123456789012:task/shop/task1`,
      stoppedReason: 'Essential container in task exited',
    };
    const answers: Readonly<Record<string, unknown>> = {
      DescribeServices: {
        services: [
          {
            serviceName: `${key}-0`,
            status: 'ACTIVE',
            desiredCount: 1,
            runningCount: 0,
            pendingCount: 0,
            clusterArn: cluster,
            deployments: [
              {
                status: 'PRIMARY',
                rolloutState: 'FAILED',
                rolloutStateReason: 'ECS deployment circuit breaker: tasks failed to start.',
              },
            ],
            tags: [...Object.entries({ ...spec.tags, service_name: 'web', service_count: '1' })].map(
              ([name, value]) => ({ key: name, value }),
            ),
          },
        ],
      },
      ListTasks: { taskArns: [task.taskArn] },
      DescribeTasks: { tasks: [task] },
    };
    const lifts = Object.entries(answers).map(([action, answer]) =>
      scene.wire.impose({
        when: (call) => actionOf(call) === action,
        fault: {
          kind: 'refuse',
          after: false,
          refusal: {
            status: 200,
            headers: { 'content-type': 'application/x-amz-json-1.1' },
            body: JSON.stringify(answer),
          },
        },
      }),
    );
    const failed = await shop.make(spec);
    expect(failed.phase).toBe('failed');
    expect(failed.parts.web?.phase).toBe('failed');
    for (const words of ['circuit breaker', 'Essential container in task exited', 'no such table: users']) {
      expect(failed.parts.web?.message).toContain(words);
    }
    for (const lift of lifts) lift();
  });
});
