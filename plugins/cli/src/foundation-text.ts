import type { FoundationDifference, FoundationView } from '@clusternator/core';
import { Args } from '@oclif/core';
import type { Column } from './output/table.ts';
import { printable } from './output/text.ts';

export const foundationArg = Args.string({
  description: "A foundation, as `foundation show` names it. Left out: that of the config's provider.",
  ignoreStdin: true,
});

/** One foundation, a fact a line. */
export function foundationLines(one: FoundationView, bin: string): readonly string[] {
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['foundation', one.id],
    ['provider', one.provider],
    ['state', stateText(one, bin)],
    ['waits for', one.message],
    ['error', one.error?.message],
    ['domain', one.domain],
    ...(one.zones ?? []).map((zone) => ['zone', zoneText(zone)] as const),
    ['made', one.readyAt],
    ['operation', one.operation],
    ['differs', differsText(one, bin)],
    ...one.records.map(({ name, type, values }) => ['record', `${name} ${type} ${values.join(' ')}`] as const),
    ...leaves(one.outputs, ''),
  ];
  return facts.flatMap(([name, value]) => (value === undefined ? [] : [printable(`${name.padEnd(12)} ${value}`)]));
}

export function differenceColumns(stages: readonly [string, string]): readonly Column<FoundationDifference>[] {
  return [
    { title: 'DIFFERS', flexible: true, value: ({ what }) => what },
    { title: stages[0].toUpperCase(), value: ({ values }) => valueText(values[0]) },
    { title: stages[1].toUpperCase(), value: ({ values }) => valueText(values[1]) },
  ];
}

function stateText({ state }: FoundationView, bin: string): string {
  if (state === 'absent') return `absent: the first env create makes it, or ${bin} foundation create`;
  if (state === 'gone') return `gone: somebody removed it; ${bin} foundation create makes it again`;
  return state;
}

function zoneText({ name, nameServers, isServed }: NonNullable<FoundationView['zones']>[number]): string {
  const servers = `${name} on ${nameServers.join(' ')}`;
  return isServed ? servers : `${servers}; nobody is led to it until its parent has these name servers`;
}

function differsText({ differs }: FoundationView, bin: string): string | undefined {
  if (differs.length === 0) return undefined;
  return `the config says something else of ${differs.join(', ')}; to change it: ${bin} foundation create`;
}

function valueText(value: unknown): string {
  if (value === undefined) return '-';
  if (value === true) return 'yes';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The outputs, by their path. */
function leaves(value: unknown, path: string): readonly (readonly [string, string])[] {
  if (value === undefined) return [];
  if (typeof value !== 'object' || value === null) return [['output', `${path} ${valueText(value)}`]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, path === '' ? key : `${path}.${key}`));
}
