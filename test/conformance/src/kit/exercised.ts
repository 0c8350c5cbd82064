import type { Capabilities, CapabilityName } from '@clusternator/core';
import { CASES } from '../cases/all.ts';
import type { Case } from './case.ts';
import type { CaseResult } from './report.ts';

/** Of each capability that is a yes, the cases that need it and passed. */
export function exercisedBy(
  capabilities: Capabilities,
  results: readonly CaseResult[],
): Partial<Record<CapabilityName, readonly string[]>> {
  const passed = new Set(results.filter(({ outcome }) => outcome === 'passed').map(({ id }) => id));
  const declared = Object.entries(capabilities).flatMap(
    ([name, { can }]) => (can === 'yes' ? [name as CapabilityName] : []), // keys of Capabilities
  );
  return Object.fromEntries(
    declared.map((name) => [
      name,
      CASES.filter(({ id, needs }) => needs?.includes(name) && passed.has(id)).map(({ id }) => id),
    ]),
  );
}

/** The cases that exercise a capability. */
export function casesOf(capability: string): readonly Case[] {
  return CASES.filter(({ needs }) => needs?.some((name) => name === capability));
}
