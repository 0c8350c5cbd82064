import type { ReleaseView } from '@clusternator/core';
import { printable } from './output/text.ts';
import { ago } from './slot-text.ts';

/** One line of a slot's ledger. */
export function releaseLine(release: ReleaseView, now: number): string {
  const { generation, kind, environment, by, at, reason, subject } = release;
  const why = reason ?? subject;
  const cells = [
    String(generation).padStart(4),
    kind.padEnd(8),
    environment,
    ago(at, now),
    by,
    ...(why === undefined ? [] : [why]),
  ];
  return printable(cells.join('  '));
}
