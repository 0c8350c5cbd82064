import type { RoutingTable } from '../proxy/table.ts';
import type { Share } from '../proxy/weights.ts';
import type { SlotRecord } from './database.ts';
import { testNameOf } from './environment-names.ts';

/** What one host of a slot leads to. Without shares it answers 503. */
export interface HostShares {
  readonly host: string;
  readonly shares: readonly Share[];
}

/** All host names of a slot, those under its project's own zone too, with where they lead. */
export function hostShares({ spec, routes }: Pick<SlotRecord, 'spec' | 'routes'>): readonly HostShares[] {
  const shareOf = (environment: string, percent: number): Share => ({ backend: environment, percent });
  const head = routes.filter(({ percent }) => percent > 0).map((it) => shareOf(it.environment, it.percent));
  const standbys = routes.filter(({ percent }) => percent === 0).map((it) => [shareOf(it.environment, 100)]);
  return [
    ...spec.hosts.flatMap(withTestName).map((host) => ({ host, shares: head })),
    ...spec.standbyHosts.flatMap((standby, at) =>
      withTestName(standby).map((host) => ({ host, shares: standbys[at] ?? [] })),
    ),
  ];
}

/** Makes the proxy answer so. In one tick, and so in one step for every request. */
export function showHosts(table: RoutingTable, { id, spec, routes }: SlotRecord): void {
  const prefixes = Object.values(spec.parts);
  const standbyHosts = new Set(spec.standbyHosts.flatMap(withTestName));
  for (const { host, shares } of hostShares({ spec, routes })) {
    const vacancy = standbyHosts.has(host)
      ? `Slot ${id} has no standby here.`
      : `Nothing has been promoted to slot ${id} yet.\nRun \`clusternator promote <environment> ${id}\`.`;
    table.setHost(host, shares, { prefixes, vacancy });
  }
}

function withTestName(host: string): readonly string[] {
  const name = testNameOf(host)?.name;
  return name === undefined ? [host] : [host, name];
}
