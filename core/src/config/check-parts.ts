import type { Draft, Report } from './check.ts';

/** What services, sites and volumes must not share. */
export function checkParts(draft: Draft, report: Report): void {
  const { declared } = draft;
  if (declared.services.length + declared.sites.length === 0) {
    report(
      [],
      'declares no service and no site, so that there is nothing to run',
      'clusternator init writes one that fits the repository',
    );
  }
  for (const name of declared.sites) {
    if (declared.services.includes(name)) report(['sites', name], 'has the name of a service', 'rename one of them');
  }
  checkRoutes(draft, report);
  checkDatabases(draft, report);
  checkSeeds(draft, report);
}

/** The data of a slot is not for everybody: using it as it is takes words in the config. */
function checkSeeds({ volumes, services, declared }: Draft, report: Report): void {
  for (const [name, { seed, backup }] of Object.entries(volumes)) {
    const path = ['volumes', name];
    const slot = /^(.+)\/latest$/.exec(seed?.snapshot ?? '')?.[1];
    if (slot !== undefined && seed?.run === undefined && seed?.data === undefined) {
      report(
        [...path, 'seed', 'snapshot'],
        `is the data of the slot ${slot}, as it is`,
        'clean it with run: ./sanitize.sh, or say data: unsanitized',
      );
    }
    const used = { seed: seed?.in, backup: inOf(backup?.quiesce), verify: backup?.verify?.in };
    for (const [key, service] of Object.entries(used)) {
      if (service === undefined || !declared.services.includes(service)) {
        if (service !== undefined) report([...path, key === 'seed' ? key : 'backup'], `names no service: ${service}`);
      } else if (services[service] && !Object.hasOwn(services[service].volumes, name))
        report([...path, key === 'seed' ? key : 'backup'], `${service} does not mount this volume`);
    }
  }
}

function inOf(quiesce: unknown): string | undefined {
  return typeof quiesce === 'object' && quiesce !== null && 'in' in quiesce && typeof quiesce.in === 'string'
    ? quiesce.in
    : undefined;
}

function checkDatabases({ volumes, declared, partial }: Draft, report: Report): void {
  for (const [name, volume] of Object.entries(volumes)) {
    const path = ['volumes', name];
    if (volume.kind === 'database' && declared.services.includes(name)) {
      report(path, 'is a database with the name of a service', 'rename one: both can be needed');
    }
    if (partial.has(path.join('.'))) continue;
    if (volume.kind === 'database' && !volume.engine) {
      report([...path, 'engine'], 'is required for a database', 'such as engine: postgres:17');
    }
    if (volume.kind !== 'database' && volume.engine) {
      report([...path, 'engine'], `is for kind: database, and this is ${volume.kind}`);
    }
  }
}

function checkRoutes({ services, sites }: Draft, report: Report): void {
  const taken = new Map<string, string>();
  const sections: Record<string, Readonly<Record<string, { readonly route?: string | undefined }>>> = {
    services,
    sites,
  };
  for (const [section, parts] of Object.entries(sections)) {
    for (const [name, { route }] of Object.entries(parts)) {
      if (route === undefined) continue;
      const other = taken.get(route);
      if (other !== undefined)
        report([section, name, 'route'], `${route} is the route of ${other} too`, 'give each its own path');
      else taken.set(route, `${section}.${name}`);
    }
  }
}
