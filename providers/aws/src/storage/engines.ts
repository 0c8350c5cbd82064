import type { Problem, ProjectSpec } from '@clusternator/core/provider';

/** @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html (gp3: 20 GiB to 64 TiB) */
export const DATABASE_GIB = { least: 20, most: 65_536 } as const;
export const ENGINES: readonly string[] = ['postgres', 'mysql', 'mariadb'];

/** What can't be had of AWS, whatever the account. */
export function checkVolumes({ volumes }: ProjectSpec): readonly Problem[] {
  return volumes.flatMap(({ id, kind, engine, sizeGiB, tags }): Problem[] => {
    if (kind !== 'database') return [];
    const path = `volumes.${tags.clusternator_volume ?? id}`; // as the config calls it
    const problems: Problem[] = [];
    const known = ENGINES.join(', ');
    if (engine === undefined) {
      problems.push({ path: `${path}.engine`, message: `a database on RDS needs an engine: ${known}` });
    } else if (!ENGINES.includes(engine.name)) {
      problems.push({ path: `${path}.engine`, message: `RDS has no "${engine.name}" here; it has ${known}` });
    }
    if (sizeGiB < DATABASE_GIB.least || sizeGiB > DATABASE_GIB.most) {
      const message = `a database on RDS has from ${String(DATABASE_GIB.least)} to ${String(DATABASE_GIB.most)} GiB`;
      problems.push({ path: `${path}.size`, message });
    }
    return problems;
  });
}
