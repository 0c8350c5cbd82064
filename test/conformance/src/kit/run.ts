import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CORE_VERSION, ProviderError, type Capabilities } from '@clusternator/core';
import { CASES } from '../cases/all.ts';
import { faultProxy, type FaultProxy } from '../proxy/fault-proxy.ts';
import { Wire } from '../proxy/wire.ts';
import { Artefacts } from './apps.ts';
import { exercisedBy } from './exercised.ts';
import type { Case, CaseGroup, DriverName } from './case.ts';
import { gateOf } from './gate.ts';
import type { Account, Harness, Verb } from './harness.ts';
import { NotCapable, NotRun, type CaseResult, type Outcome, type Report } from './report.ts';
import { Trial, type VerbCounts } from './trial.ts';

/** How the kit is run. */
export interface RunOptions {
  /** Ids of cases, or their groups. Left out: all. */
  readonly only?: readonly string[];
  readonly onStart?: (next: { readonly id: string; readonly at: number; readonly of: number }) => void;
  readonly onResult?: (result: CaseResult) => void;
  /** What has not begun by then is not run. */
  readonly signal?: AbortSignal;
}

/** Those that are made on a foundation, where there is one. */
const STANDING: ReadonlySet<DriverName> = new Set(['environments', 'slots', 'storage']);
let runs = 0;

/**
 * Runs the cases against a provider, one after the other, each in a project of its own that is removed after it.
 * @returns The report, also when cases failed.
 * @throws ProviderError `invalid` for an unknown id or group, and what the harness throws when the account can't be opened.
 */
export async function runKit(harness: Harness, options: RunOptions = {}): Promise<Report> {
  const wanted = chosen(options.only);
  const folder = mkdtempSync(path.join(tmpdir(), 'clusternator-kit-'));
  const proxies: FaultProxy[] = [];
  const wire = new Wire();
  const started = new Date();
  let account: Account | undefined;
  try {
    account = await harness.open({
      folder,
      async proxy(target, proxyOptions) {
        const made = await faultProxy(wire, target, folder, proxyOptions);
        proxies.push(made);
        return made.front;
      },
    });
    const run = new Run(harness, account, proxies.length > 0 ? wire : undefined, folder);
    const cases: CaseResult[] = [];
    for (const one of CASES) {
      if (!wanted(one)) cases.push(resultOf(one, 'not-run', 0, 'the run was limited to others'));
      else if (options.signal?.aborted) cases.push(resultOf(one, 'not-run', 0, 'the run was interrupted'));
      else {
        options.onStart?.({ id: one.id, at: cases.length + 1, of: CASES.length });
        const result = await run.case(one, cases);
        cases.push(result);
        options.onResult?.(result);
      }
    }
    return reportOf(harness, run, cases, started);
  } finally {
    await account?.end();
    for (const proxy of proxies) await proxy.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** One run of the kit: what all of its cases share. */
class Run {
  readonly counts: VerbCounts = new Map();
  readonly capabilities: Capabilities;
  readonly #artefacts: Artefacts;
  readonly #told: string[] = [];
  readonly #prefix = `kit${(Date.now() % 46_656_000).toString(36)}${(runs++ % 36).toString(36)}`;
  #trials = 0;

  constructor(
    private readonly harness: Harness,
    private readonly account: Account,
    private readonly wire: Wire | undefined,
    folder: string,
  ) {
    this.#artefacts = new Artefacts(path.join(folder, 'artefacts'));
    this.capabilities = harness.provider.capabilities(harness.provider.config.parse(account.config));
  }

  async case(one: Case, before: readonly CaseResult[]): Promise<CaseResult> {
    const { harness, account, wire } = this;
    const gate = gateOf(one, { harness, account, wire }, this.capabilities);
    if (gate) return resultOf(one, gate.outcome, 0, gate.note);
    const started = performance.now();
    const seconds = () => (performance.now() - started) / 1000;
    const trial = new Trial({
      ...{
        harness,
        account,
        wire,
        artefacts: this.#artefacts,
        told: this.#told,
        counts: this.counts,
        before,
        runPrefix: this.#prefix,
      },
      project: `${this.#prefix}-${(this.#trials++).toString(36)}`,
    });
    try {
      // What is counted, and cut off, is then the calls of what a case is about.
      if (one.drivers.some((name) => STANDING.has(name))) await trial.main.standOnGround();
      await one.run(trial);
    } catch (error) {
      await trial.clean().catch(() => {}); // what did not hold says more than what is left of it
      await trial.close();
      if (error instanceof NotRun) return resultOf(one, 'not-run', seconds(), error.message);
      if (error instanceof NotCapable) return resultOf(one, 'incapable', seconds(), error.message);
      return { ...resultOf(one, 'failed', seconds()), error: textOf(error) };
    }
    try {
      await trial.clean();
    } catch (error) {
      return { ...resultOf(one, 'failed', seconds()), error: `it can't be removed again: ${textOf(error)}` };
    } finally {
      await trial.close();
    }
    return resultOf(one, 'passed', seconds());
  }
}

function chosen(only: readonly string[] | undefined): (one: Case) => boolean {
  if (!only) return () => true;
  const known = new Set<string>(CASES.flatMap(({ id }) => [id, groupOf(id)]));
  const unknown = only.find((name) => !known.has(name));
  if (unknown !== undefined) {
    throw new ProviderError('invalid', `the kit has no case or group "${unknown}"`, {
      hint: `its groups are ${[...new Set(CASES.map(({ id }) => groupOf(id)))].join(', ')}`,
    });
  }
  return ({ id }) => only.includes(id) || only.includes(groupOf(id));
}

function groupOf(id: Case['id']): CaseGroup {
  return id.slice(0, id.indexOf('/')) as CaseGroup; // by the type of an id
}

function resultOf(one: Case, outcome: Outcome, seconds: number, note?: string): CaseResult {
  const { id, number, title, needs = [] } = one;
  return { id, number, group: groupOf(id), title, needs, outcome, seconds, ...(note !== undefined && { note }) };
}

/** The codes say what kind of error it is, and Node's own assertions what was expected. */
function textOf(error: unknown): string {
  if (ProviderError.is(error)) return `${error.code}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}

function reportOf(harness: Harness, run: Run, cases: readonly CaseResult[], startedAt: Date): Report {
  const count = (outcome: Outcome) => cases.filter((one) => one.outcome === outcome).length;
  const totals = {
    passed: count('passed'),
    failed: count('failed'),
    incapable: count('incapable'),
    'not-run': count('not-run'),
  };
  return {
    schema: 1,
    provider: harness.provider.id,
    kit: CORE_VERSION,
    startedAt: startedAt.toISOString(),
    seconds: (Date.now() - startedAt.getTime()) / 1000,
    totals,
    passed: totals.failed === 0 && totals.passed > 0,
    cases,
    wireCalls: [...run.counts]
      .filter(([, calls]) => calls > 0)
      .map(([verb, calls]) => {
        const known = verb as Verb; // tenants name their verbs so
        const floor = harness.floors?.[known];
        return { verb: known, calls, ...(floor !== undefined && { floor }) };
      }),
    exercised: exercisedBy(run.capabilities, cases),
  };
}
