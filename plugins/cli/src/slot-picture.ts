import type { SlotMember, SlotView, TrafficShare } from '@clusternator/core';
import type { paintFor } from './output/text.ts';
import { printable } from './output/text.ts';
import { releaseLine } from './release-text.ts';
import { ago, memberState } from './slot-text.ts';

interface Row {
  readonly mark: string;
  readonly cells: readonly string[];
}

/** `slot show`: a slot as a person wants to see it, from what answers now to how it came to be. */
export function slotPicture(slot: SlotView, bin: string, now: number, paint: ReturnType<typeof paintFor>): string[] {
  const { name, generation, state, url, mechanism } = slot;
  const by = mechanism === 'dns' ? ', by DNS' : '';
  const lines = [
    `Slot ${paint('bold', name)}${generation === 0 ? '' : `, generation ${String(generation)}`}${by}: ${state}`,
    ...(url === undefined ? [] : [printable(url)]),
    '',
    ...(slot.head ? grid(rowsOf(slot, now), paint) : [`  nothing yet: ${bin} promote <environment> ${name}`]),
  ];
  const notes = [...operationLines(slot, bin), ...pinLines(slot, bin, now), ...driftLines(slot, bin)];
  if (notes.length > 0) lines.push('', ...notes.map(printable));
  if (slot.releases && slot.releases.length > 0) {
    lines.push('', 'Releases', ...slot.releases.map((one) => `  ${releaseLine(one, now)}`));
  }
  return lines;
}

/** `90 % 1a2b3c4d5e6f, 10 % 5d6e7f8a9b0c`. */
export function trafficText(shares: readonly TrafficShare[]): string {
  const texts = shares.map(({ environment, commit, percent, part }) => {
    const what = environment ?? commit ?? 'something unknown';
    return `${String(percent)} % ${what}${part === undefined ? '' : ` (${part})`}`;
  });
  return texts.length === 0 ? 'nothing' : texts.join(', ');
}

function rowsOf(slot: SlotView, now: number): Row[] {
  const { head, standbys, rejected, draining, operation } = slot;
  const coming = operation?.to && operation.to.environment !== head?.environment ? [operation.to] : [];
  return [
    ...(head ? [rowOf('●', head, slot)] : []),
    ...coming.map((one) => rowOf('◐', one, slot, 'coming')),
    ...standbys.map((one) => rowOf('○', one, slot)),
    ...rejected.map((one) => rowOf('×', one, slot, 'rejected', one.since && ago(one.since, now))),
    ...draining.map((one) => rowOf('·', one, slot, 'draining', one.until && `until ${one.until}`)),
  ];
}

function rowOf(mark: string, member: SlotMember, { traffic }: SlotView, name?: string, more?: string): Row {
  const share = traffic?.find(({ environment }) => environment === member.environment)?.percent ?? 0;
  const cells = [
    name ?? member.name ?? '',
    member.environment,
    memberState(member),
    share > 0 ? `${String(share)} %` : '',
    member.url ?? more ?? '',
    member.subject ?? '',
  ];
  return { mark, cells };
}

const COLOUR_OF_MARK: Readonly<Record<string, 'green' | 'cyan' | 'red' | 'dim'>> = {
  '●': 'green',
  '◐': 'cyan',
  '×': 'red',
};

function grid(rows: readonly Row[], paint: ReturnType<typeof paintFor>): string[] {
  const cells = rows.map((row) => row.cells.map(printable));
  const widths = (cells[0] ?? []).map((_, at) => Math.max(...cells.map((row) => Array.from(row[at] ?? '').length)));
  return rows.map(({ mark }, index) => {
    const padded = (cells[index] ?? []).flatMap((cell, at) => {
      const width = widths[at] ?? 0;
      return width === 0 ? [] : [cell + ' '.repeat(width - Array.from(cell).length)];
    });
    return `  ${paint(COLOUR_OF_MARK[mark] ?? 'dim', mark)} ${padded.join('  ').trimEnd()}`;
  });
}

function operationLines({ name, operation, queued, state }: SlotView, bin: string): string[] {
  const lines: string[] = [];
  if (operation) {
    const { id, kind, owner, alive, approval, bakeUntil } = operation;
    lines.push(`${kind} ${id} by ${owner}${alive ? '' : ', which is gone'}: ${state}`);
    if (!alive) lines.push(`  To go on: ${bin} op resume ${id}`, `  To undo:  ${bin} op abort ${id}`);
    if (approval && approval.at === undefined) {
      lines.push(`  waits for approval since ${approval.askedAt}: ${bin} slot approve ${name}`);
    }
    if (bakeUntil !== undefined) lines.push(`  watched until ${bakeUntil}`);
  }
  if (queued) lines.push(`Next: ${queued.environment} (operation ${queued.operation})`);
  return lines;
}

function pinLines({ name, pinned }: SlotView, bin: string, now: number): string[] {
  if (!pinned) return [];
  return [
    `Automatic promotions are held: ${pinned.why} (${pinned.by}, ${ago(pinned.at, now)})`,
    `  To let them go on: ${bin} slot unpin ${name}`,
  ];
}

function driftLines({ name, drift }: SlotView, bin: string): string[] {
  if (!drift) return [];
  return [
    'The router does not serve what was written:',
    `  written: ${trafficText(drift.expected)}`,
    `  served:  ${trafficText(drift.found)}`,
    `  To write it again: ${bin} slot repair ${name}`,
    `  To take what it serves: ${bin} slot adopt ${name}`,
  ];
}
