import { clip, printable } from './text.ts';

/** One column. A `flexible` one is cut where the terminal is too narrow. */
export interface Column<Row> {
  readonly title: string;
  readonly flexible?: boolean;
  value(row: Row): string;
}

const GAP = '  ';
const FLEXIBLE_AT_LEAST = 12;

/** Lines of a table without rules, header first. Cells are made printable. Empty columns are left out. @param width - Of the terminal; none: as wide as it takes. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], width?: number): string[] {
  const cells = rows.map((row) => columns.map((column) => printable(column.value(row))));
  const kept = columns.map((_, index) => index).filter((index) => cells.some((row) => (row[index] ?? '') !== ''));
  const widths = kept.map((index) =>
    Math.max(lengthOf(columns[index]?.title ?? ''), ...cells.map((row) => lengthOf(row[index] ?? ''))),
  );
  if (width !== undefined)
    shrink(
      widths,
      kept.map((index) => columns[index]?.flexible === true),
      width,
    );
  const line = (row: readonly string[]): string =>
    kept
      .map((index, at) => {
        const size = widths[at] ?? 0;
        const text = clip(row[index] ?? '', size);
        return at === kept.length - 1 ? text : text + ' '.repeat(size - lengthOf(text));
      })
      .join(GAP)
      .trimEnd();
  return [line(columns.map((column) => column.title)), ...cells.map(line)];
}

function shrink(widths: number[], flexible: readonly boolean[], width: number): void {
  const total = widths.reduce((sum, one) => sum + one, 0) + GAP.length * (widths.length - 1);
  let excess = total - width;
  flexible.forEach((yes, at) => {
    const size = widths[at] ?? 0;
    if (!yes || excess <= 0) return;
    const cut = Math.min(excess, Math.max(0, size - FLEXIBLE_AT_LEAST));
    widths[at] = size - cut;
    excess -= cut;
  });
}

function lengthOf(text: string): number {
  return Array.from(text).length;
}
