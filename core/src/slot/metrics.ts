import type { MetricConfig } from '../config/slot.ts';
import { messageOf } from '../engine/thrown.ts';
import type { Session } from '../host/session.ts';
import type { Call } from '../provider/host.ts';

/** What a metric is asked about. */
export interface MetricSubject {
  readonly slot: string;
  readonly environment: string;
  readonly commit: string;
}

/** Why the numbers say no. One that does not come, or is no number, never passes. */
export async function metricTroubles(
  session: Session,
  metrics: readonly MetricConfig[],
  subject: MetricSubject,
  call: Call,
): Promise<readonly string[]> {
  const troubles = await Promise.all(metrics.map((metric) => troubleOf(session, metric, subject, call)));
  return troubles.filter((trouble) => trouble !== undefined);
}

async function troubleOf(
  session: Session,
  metric: MetricConfig,
  subject: MetricSubject,
  call: Call,
): Promise<string | undefined> {
  const name = metric.name ?? metric.url ?? metric.command?.join(' ') ?? 'metric';
  try {
    const signal = AbortSignal.any([call.signal, AbortSignal.timeout(metric.withinSeconds * 1000)]);
    const text =
      metric.url === undefined
        ? await printed(session, metric.command ?? [], subject, signal)
        : await fetched(session, metric.url, subject, signal);
    const number = numberIn(text, metric.value);
    if (number === undefined) return `${name} gave no number`;
    if (metric.max !== undefined && number > metric.max)
      return `${name} is ${String(number)}, over ${String(metric.max)}`;
    if (metric.min !== undefined && number < metric.min)
      return `${name} is ${String(number)}, under ${String(metric.min)}`;
    return undefined;
  } catch (error) {
    call.signal.throwIfAborted();
    return `${name} did not come: ${messageOf(error)}`;
  }
}

async function fetched(
  session: Session,
  template: string,
  subject: MetricSubject,
  signal: AbortSignal,
): Promise<string> {
  const url = template.replace(/\{(slot|environment|commit)\}/g, (_, key: keyof MetricSubject) =>
    encodeURIComponent(subject[key]),
  );
  const answer = await (session.fetch ?? fetch)(url, { signal, redirect: 'follow' });
  if (!answer.ok) throw new Error(`it answered ${String(answer.status)}`);
  return answer.text();
}

async function printed(
  session: Session,
  [file = '', ...args]: readonly string[],
  { slot, environment, commit }: MetricSubject,
  signal: AbortSignal,
): Promise<string> {
  const { default: spawn } = await import('nano-spawn');
  const env = {
    ...session.options.env,
    CLUSTERNATOR_SLOT: slot,
    CLUSTERNATOR_ENVIRONMENT: environment,
    CLUSTERNATOR_COMMIT: commit,
  };
  const { stdout } = await spawn(file, args, { signal, cwd: session.options.directory, env, stdin: 'ignore' });
  return stdout;
}

/** @param pointer - Where in the JSON. @see https://www.rfc-editor.org/rfc/rfc6901 */
export function numberIn(text: string, pointer: string | undefined): number | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  for (const key of pointer?.split('/').slice(1) ?? []) {
    if (typeof value !== 'object' || value === null) return undefined;
    const name = key.replaceAll('~1', '/').replaceAll('~0', '~');
    value = Object.entries(value).find(([one]) => one === name)?.[1];
  }
  // Prometheus writes its numbers as texts.
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}
