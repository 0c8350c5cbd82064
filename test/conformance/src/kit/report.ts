import type { CapabilityName } from '@clusternator/core';
import type { CaseGroup } from './case.ts';
import type { Verb } from './harness.ts';

/** `incapable`: a capability or driver that it needs is a no. `not-run`: the harness lacks something, or the run was limited. */
export type Outcome = 'passed' | 'failed' | 'incapable' | 'not-run';

/** What came of a case. */
export interface CaseResult {
  readonly id: string;
  readonly number: number;
  readonly group: CaseGroup;
  readonly title: string;
  /** Capabilities that it exercises when it passes. */
  readonly needs: readonly CapabilityName[];
  readonly outcome: Outcome;
  readonly seconds: number;
  /** Of `incapable` the declared note, of `not-run` what is missing. */
  readonly note?: string;
  /** Of `failed`: what did not hold. */
  readonly error?: string;
}

/** Plain data: its JSON is the report's. */
export interface Report {
  readonly schema: 1;
  readonly provider: string;
  readonly kit: string;
  readonly startedAt: string;
  readonly seconds: number;
  readonly totals: Readonly<Record<Outcome, number>>;
  /** No case failed, and each capability that is declared as a yes was exercised by a case that passed. */
  readonly passed: boolean;
  readonly cases: readonly CaseResult[];
  /** Mutating calls on the wire by verb, against the floor that the harness declares. */
  readonly wireCalls: readonly { readonly verb: Verb; readonly calls: number; readonly floor?: number }[];
  /** Of each capability that is a yes, the cases that exercised it. */
  readonly exercised: Readonly<Partial<Record<CapabilityName, readonly string[]>>>;
}

/** Thrown by a case that finds out only as it runs that the provider lacks what it is about. */
export class NotCapable extends Error {
  override readonly name = 'NotCapable';
}

/** Thrown by a case that finds out only as it runs that it can't tell. */
export class NotRun extends Error {
  override readonly name = 'NotRun';
}
