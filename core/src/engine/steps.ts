import type { z } from 'zod';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import type { StepDocument } from '../state/documents.ts';
import { deriveToken, normaliseError, throwIfAborted, withCall } from './call.ts';
import type { Clock } from './clock.ts';
import type { EngineEvent } from './events.ts';
import { errorRecord, withStep, type Journal } from './journal.ts';
import { messageOf } from './thrown.ts';

/** One journalled piece of an operation. */
export interface Step<T> {
  /** Unique in its operation, and the same when it is resumed. */
  readonly id: string;
  /** For people: `build api`. */
  readonly title: string;
  /** Steps of the same call of `stepsInParallel` to be done before. */
  readonly after?: readonly string[];
  /** What is stored of the result, as JSON of at most 64 KiB. A resumed operation reads it back. */
  readonly result: z.ZodType<T>;
  readonly deadlineSeconds: number;
  /** The cloud's own error as ours. */
  readonly errorOf?: (cause: unknown) => ProviderError | undefined;
  /** Re-entrant: after a crash it is called again, with the same token. */
  run(call: Call): Promise<T>;
}

/** What steps run with. */
export interface StepParts {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly emit: (event: EngineEvent) => void;
}

const RESULT_BYTES = 64 * 1024;

/**
 * Done before: its stored result. Else the intent is durable before `run`, under the token of the step, and its result after it.
 * @throws ProviderError what `run` threw; `superseded`; `cancelled`: then the step stays intended, to be made again.
 */
export async function runStep<T>(parts: StepParts, step: Step<T>): Promise<T> {
  const { journal, clock, emit } = parts;
  const operation = journal.document.id;
  const tell = (state: 'started' | 'done' | 'known' | 'failed', message?: string) =>
    emit({
      type: 'step',
      operation,
      step: step.id,
      title: step.title,
      state,
      ...(message !== undefined && { message }),
    });
  const known = journal.step(step.id);
  if (known?.state === 'done') {
    const result = readResult(step, known.result);
    tell('known');
    return result;
  }
  throwIfAborted(parts.signal, step.title);
  const token = tokenOf(operation, step.id, known);
  await journal.write(intend(step, token, clock));
  tell('started');
  const stored = await carryOut(parts, step, token).catch(async (thrown: unknown) => {
    const error = normaliseError(thrown, { signal: parts.signal, doing: step.title });
    tell('failed', error.message);
    // After an abort its effect may be there or not: it stays intended.
    if (!parts.signal.aborted) await journal.write(fail(step, token, clock, error));
    throw error;
  });
  await journal.write(withStep(step.id, (now) => ended(now, step, token, clock, { state: 'done', ...stored })));
  tell('done');
  return readResult(step, stored.result);
}

async function carryOut<T>(parts: StepParts, step: Step<T>, token: string): Promise<{ readonly result?: unknown }> {
  const { journal, clock, signal, emit } = parts;
  const operation = journal.document.id;
  const result = await withCall(
    {
      clock,
      signal,
      operation,
      doing: step.title,
      deadlineSeconds: step.deadlineSeconds,
      token,
      progress: (to) => emit({ type: 'progress', operation, step: step.id, ...to }),
      ...(step.errorOf && { errorOf: step.errorOf }),
    },
    (call) => step.run(call),
  );
  return storable(step, result);
}

/** Takes back what a step did, if it did anything, and marks it undone. */
export async function undoStep(parts: StepParts, step: Omit<Step<unknown>, 'result' | 'after'>): Promise<void> {
  const { journal, clock, signal } = parts;
  const known = journal.step(step.id);
  if (!known || known.state === 'planned' || known.state === 'undone') return;
  const token = deriveToken(known.token, 'undo');
  const { deadlineSeconds, title: doing, errorOf } = step;
  const operation = journal.document.id;
  await withCall({ clock, signal, operation, doing, deadlineSeconds, token, ...(errorOf && { errorOf }) }, (call) =>
    step.run(call),
  );
  await journal.write(
    withStep(step.id, (now) => ({
      id: step.id,
      title: now?.title ?? step.title,
      state: 'undone',
      token: known.token,
      ...(now?.startedAt !== undefined && { startedAt: now.startedAt }),
      endedAt: clock.now().toISOString(),
    })),
  );
}

/** Writes down what is to come, where it isn't known yet. */
export async function planSteps(
  journal: Journal,
  steps: readonly Pick<Step<unknown>, 'id' | 'title'>[],
): Promise<void> {
  const operation = journal.document.id;
  const news = steps.filter((step) => !journal.step(step.id));
  if (news.length === 0) return;
  const plan = news.map(({ id, title }) =>
    withStep(id, (known) => known ?? { id, title, state: 'planned', token: tokenOf(operation, id, undefined) }),
  );
  await journal.write((document) => plan.reduce((current, change) => change(current), document));
}

function intend<T>(step: Step<T>, token: string, clock: Clock) {
  return withStep(step.id, () => ({
    id: step.id,
    title: step.title,
    state: 'intended',
    token,
    startedAt: clock.now().toISOString(),
  }));
}

function fail<T>(step: Step<T>, token: string, clock: Clock, error: ProviderError) {
  const failure = { state: 'failed' as const, error: errorRecord(error) };
  return withStep(step.id, (now) => ended(now, step, token, clock, failure));
}

function ended<T>(
  now: StepDocument | undefined,
  step: Step<T>,
  token: string,
  clock: Clock,
  how: Pick<StepDocument, 'state' | 'result' | 'error'>,
): StepDocument {
  const endedAt = clock.now().toISOString();
  return { id: step.id, title: step.title, token, startedAt: now?.startedAt ?? endedAt, endedAt, ...how };
}

/** The same for the same step of the same operation. What was undone and is made again is another request to the cloud. */
function tokenOf(operation: string, step: string, known: StepDocument | undefined): string {
  if (known?.state === 'undone') return deriveToken(known.token, 'again');
  return known?.token ?? deriveToken(operation, step);
}

function storable<T>(step: Step<T>, result: T): { readonly result?: unknown } {
  const text = jsonOf(result);
  if (text === undefined) return {};
  const bytes = Buffer.byteLength(text);
  if (bytes > RESULT_BYTES) {
    throw new ProviderError(
      'internal',
      `${step.title}: its result has ${bytes} bytes, more than the ${RESULT_BYTES} that are kept`,
      {
        effect: 'applied',
      },
    );
  }
  const plain: unknown = JSON.parse(text);
  readResult(step, plain); // better now than in a process that resumes
  return { result: plain };
}

/** Undefined for what has no JSON: the result of a step that gives none. */
function jsonOf(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}

function readResult<T>(step: Step<T>, result: unknown): T {
  const parsed = step.result.safeParse(result);
  if (parsed.success) return parsed.data;
  throw new ProviderError(
    'internal',
    `${step.title}: its result is not what it should be: ${messageOf(parsed.error)}`,
    {
      effect: 'applied',
      cause: parsed.error,
    },
  );
}
