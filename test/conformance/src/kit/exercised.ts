import type { Capabilities, CapabilityName } from '@clusternator/core';
import type { CaseResult } from './report.ts';

/** Of each capability that is a yes, the cases that need it and passed. */
export function exercisedBy(
  capabilities: Capabilities,
  results: readonly CaseResult[],
): Partial<Record<CapabilityName, readonly string[]>> {
  const declared = Object.entries(capabilities).flatMap(
    ([name, { can }]) => (can === 'yes' ? [name as CapabilityName] : []), // keys of Capabilities
  );
  const passed = results.filter(({ outcome }) => outcome === 'passed');
  return Object.fromEntries(
    declared.map((name) => [name, passed.flatMap(({ id, needs }) => (needs.includes(name) ? [id] : []))]),
  );
}
