import type { EnvironmentView, Project } from '@clusternator/core';
import { printable } from './output/text.ts';

/** What `env create` says in the end: the last line is where it answers, alone on standard output without a terminal. */
export function createdLines(
  environment: EnvironmentView,
  existed: boolean,
  bin: string,
): { before: string[]; last: string } {
  const { id, phase, url, subject, services } = environment;
  const state = phase === 'ready' ? (existed ? 'is ready already' : 'is ready') : `is ${phase}`;
  const before = [`Environment ${id} ${state}${subject ? `: ${printable(subject)}` : ''}`];
  if (services.length > 1) {
    for (const part of services) {
      before.push(`  ${printable([part.name, part.state, part.url ?? 'private'].join('  '))}`);
    }
  }
  if (phase === 'creating') before.push(`To follow it: ${bin} env show ${id}`);
  return { before, last: url ?? id };
}

/** What `--dry-run` says. */
export function planLines(plan: Awaited<ReturnType<Project['plan']>>): string[] {
  const lines = [`Environment ${plan.id} of commit ${plan.commit}`];
  if (plan.changes.length === 0) lines.push('Nothing would change: it is there.');
  for (const change of plan.changes) lines.push(`  ${change.action}  ${printable(change.what)}`);
  if (plan.monthlyCost !== undefined) lines.push(`Cost: ${String(plan.monthlyCost)} ${plan.currency ?? ''} a month`);
  if (plan.interruptsSeconds) lines.push(`What serves now would not for ${String(plan.interruptsSeconds)} s`);
  return lines;
}
