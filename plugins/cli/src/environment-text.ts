import type { EnvironmentView } from '@clusternator/core';
import type { Column } from './output/table.ts';
import { briefDuration, printable } from './output/text.ts';

/** What `--json` shows of an environment. `url` and `operation` are null where there is none, so that scripts can rely on the keys. */
export function environmentJson(view: EnvironmentView): EnvironmentJson {
  return {
    ...view,
    url: view.url ?? null,
    services: view.services.map((part) => ({ ...part, url: part.url ?? null })),
  };
}
export type EnvironmentJson = Omit<EnvironmentView, 'url' | 'services'> & {
  readonly url: string | null;
  readonly services: readonly (Omit<EnvironmentView['services'][number], 'url'> & { readonly url: string | null })[];
};

/** The columns of `env list`. */
export function environmentColumns(now: number): readonly Column<EnvironmentView>[] {
  return [
    { title: 'ID', value: (one) => one.id },
    { title: 'PHASE', value: (one) => one.phase },
    { title: 'PINS', value: (one) => one.pins.join(',') },
    { title: 'AGE', value: (one) => briefDuration((now - Date.parse(one.createdAt)) / 1000) },
    { title: 'TTL', value: (one) => ttlLeft(one, now) },
    { title: 'URL', value: (one) => one.url ?? '' },
    { title: 'SUBJECT', flexible: true, value: (one) => one.subject ?? '' },
  ];
}

/** The lines of `env show`. */
export function environmentLines(one: EnvironmentView, now: number): string[] {
  const rows: [string, string | undefined][] = [
    ['Environment', one.id],
    ['Commit', `${one.commit}${one.ref ? ` (${one.ref})` : ''}`],
    ['Subject', one.subject],
    ['Author', one.author],
    ['Phase', one.phase],
    ['Slot', one.slot],
    ['Pins', one.pins.length > 0 ? one.pins.join(', ') : undefined],
    ['Provider', one.provider],
    ['Created', `${one.createdAt} (${briefDuration((now - Date.parse(one.createdAt)) / 1000)} ago)`],
    ['Expires', one.expiresAt && `${one.expiresAt} (in ${ttlLeft(one, now)})`],
    ['Logs', one.logsUntil && `kept until ${one.logsUntil}`],
    ['Operation', one.operation],
    ['URL', one.url],
  ];
  const width = Math.max(...rows.map(([title]) => title.length));
  const lines = rows.flatMap(([title, value]) => (value ? [`${title.padEnd(width)}  ${printable(value)}`] : []));
  const parts = one.services.map(
    (part) => `  ${printable([part.name, part.state, part.url ?? '', part.message ?? ''].join('  '))}`,
  );
  if (parts.length > 0) lines.push('', 'Services and sites', ...parts);
  if (one.error) lines.push('', `Error (${one.error.code}): ${printable(one.error.message)}`);
  if (one.error?.hint) lines.push(`Try: ${printable(one.error.hint)}`);
  return lines;
}

function ttlLeft(one: EnvironmentView, now: number): string {
  if (!one.expiresAt || one.phase === 'gone') return '';
  const seconds = (Date.parse(one.expiresAt) - now) / 1000;
  return seconds <= 0 ? 'over' : briefDuration(seconds);
}
