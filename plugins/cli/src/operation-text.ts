import type { OperationView } from '@clusternator/core';
import type { Column } from './output/table.ts';
import { briefDuration, printable } from './output/text.ts';

/** Whether somebody still works on it, in a word. */
export function operationState(one: OperationView): string {
  return one.state === 'running' && !one.alive ? 'abandoned' : one.state;
}

/** The columns of `op list`. */
export function operationColumns(now: number): readonly Column<OperationView>[] {
  return [
    { title: 'ID', value: (one) => one.id },
    { title: 'KIND', value: (one) => one.kind },
    { title: 'SUBJECT', value: (one) => one.subject },
    { title: 'STATE', value: operationState },
    { title: 'AGE', value: (one) => briefDuration((now - Date.parse(one.createdAt)) / 1000) },
    { title: 'OWNER', value: (one) => (one.endedAt ? '' : one.owner) },
    { title: 'ERROR', flexible: true, value: (one) => one.error?.message ?? '' },
  ];
}

/** The lines of `op show`. */
export function operationLines(one: OperationView, bin: string): string[] {
  const lines = [
    `Operation ${one.id}: ${one.kind} of ${printable(one.subject)}, ${operationState(one)}`,
    `Owner     ${printable(one.owner)}`,
    `Started   ${one.createdAt}`,
    one.endedAt ? `Ended     ${one.endedAt}` : `Updated   ${one.updatedAt}`,
    '',
    'Steps',
    ...one.steps.map(
      (step) => `  ${step.state.padEnd(8)}  ${printable(step.title)}${step.error ? `: ${printable(step.error)}` : ''}`,
    ),
  ];
  if (one.error) lines.push('', `Error (${one.error.code}): ${printable(one.error.message)}`);
  if (one.error?.hint) lines.push(`Try: ${printable(one.error.hint)}`);
  if (isUnfinished(one)) lines.push('', `To go on: ${bin} op resume ${one.id}`, `To undo:  ${bin} op abort ${one.id}`);
  return lines;
}

/** Waits for somebody to resume or abort it. */
export function isUnfinished(one: OperationView): boolean {
  return one.state === 'interrupted' || (one.state === 'running' && !one.alive);
}
