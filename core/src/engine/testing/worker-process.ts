/**
 * A process that carries out an operation on a real store and stands still where it is told to:
 * `worker-process.ts <state file> <cloud folder> start|resume <operation or -> <step>:<where>`.
 * An effect is a file named by the step's token: what a cloud that knows tokens makes once.
 */
import { appendFileSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ProviderError } from '../../provider/error.ts';
import type { Call } from '../../provider/host.ts';
import { openSqliteStore } from '../../state/sqlite.ts';
import type { StateStore } from '../../state/store.ts';
import { systemClock } from '../clock.ts';
import { currentIdentity } from '../identity.ts';
import { type OperationDeps, resumeOperation, startOperation } from '../operation.ts';

const [file = '', cloud = '', mode = '', id = '', at = ''] = process.argv.slice(2);
const [stopStep, stopWhere] = at.split(':');
const print = (line: string) => void process.stdout.write(`${line}\n`);
const store = openSqliteStore(file);
const deps: OperationDeps = {
  store: watched(store),
  clock: systemClock,
  identity: currentIdentity(),
  emit: (event) => {
    if (event.type === 'operation') print(`${event.state} ${event.operation}`);
  },
  signal: new AbortController().signal,
  timing: { heartbeatSeconds: 0.1, termSeconds: 1 },
};

try {
  const request = { kind: 'create', subject: 'x', input: { steps: ['a', 'b', 'c'] } };
  const run = await (mode === 'resume' ? resumeOperation(deps, id) : startOperation(deps, request));
  await run.conclude(async () => {
    for (const step of ['a', 'b', 'c']) {
      await standStill(step, 'before');
      await run.step({
        id: step,
        title: step,
        result: z.string(),
        deadlineSeconds: 600,
        run: (call) => make(step, call),
      });
      await standStill(step, 'after');
    }
  });
  print('finished');
} catch (error) {
  print(`failed ${ProviderError.is(error) ? `${error.code}: ${error.message}` : String(error)}`);
  process.exitCode = 4;
}
store.close();

async function make(step: string, call: Call): Promise<string> {
  await standStill(step, 'intended');
  const made = join(cloud, `${step}-${call.token()}`);
  if (!existsSync(made)) writeFileSync(made, step, { flag: 'wx' });
  appendFileSync(join(cloud, 'calls.log'), `${step}\n`);
  await standStill(step, 'made');
  return `${step} of ${readdirSync(cloud).length > 0 ? 'the cloud' : 'nothing'}`;
}

/** Until it is killed, or a file tells it to go on. */
async function standStill(step: string, where: string): Promise<void> {
  if (step !== stopStep || where !== stopWhere) return;
  print(`at ${step}:${where}`);
  while (!existsSync(join(cloud, '.go'))) await systemClock.sleep(0.02);
}

/** Stands still after the result was written, before anything else is done: `<step>:written`. */
function watched(inner: StateStore): StateStore {
  return {
    ...inner,
    async put(key, value, expected, call) {
      const revision = await inner.put(key, value, expected, call);
      const { steps } = JSON.parse(value) as { steps: { id: string; state: string }[] };
      if (steps.some((step) => step.id === stopStep && step.state === 'done'))
        await standStill(stopStep ?? '', 'written');
      return revision;
    },
  };
}
