import type { ProjectConfig } from './schema.ts';
import { checkParts } from './check-parts.ts';
import { checkServices } from './check-services.ts';
import { checkSlots } from './check-slots.ts';
import { formatPath, type ConfigProblem } from './problem.ts';

/** The parts of a config as far as they are valid. `declared` also has the names of those that are not at all. */
export interface Draft extends Pick<ProjectConfig, 'services' | 'sites' | 'volumes' | 'slots'> {
  readonly declared: Readonly<Record<'services' | 'sites' | 'volumes' | 'slots', readonly string[]>>;
  /** Such as `services.api`: what is wrong in it was left out, so that what is missing may have been there. */
  readonly partial: ReadonlySet<string>;
  /** Without it, what concerns the config as a whole is left out. */
  readonly whole?: ProjectConfig;
}
export type Report = (path: readonly string[], message: string, hint?: string) => void;

/** What one key alone can't tell. */
export function checkConfig(draft: Draft): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const report: Report = (path, message, hint) =>
    problems.push({ path: formatPath(path), message, ...(hint !== undefined && { hint }) });
  checkServices(draft, report);
  checkParts(draft, report);
  checkSlots(draft, report);
  if (draft.whole) checkProviders(draft.whole, report);
  if (draft.whole) checkCache(draft.whole, report);
  return problems;
}

function checkCache({ cache, sites }: ProjectConfig, report: Report): void {
  const holds = (folder: string, path: string): boolean => path === folder || path.startsWith(`${folder}/`);
  for (const [at, folder] of cache.folders.entries()) {
    const site = Object.entries(sites).find(([, { dir }]) => holds(folder, dir));
    if (site)
      report(['cache'], `"${folder}" holds what site ${site[0]} serves`, 'cache what its build only works with');
    const other = cache.folders.find((path, index) => index !== at && holds(path, folder));
    if (other !== undefined) report(['cache'], `"${folder}" is in "${other}" already`);
  }
}

function checkProviders(config: ProjectConfig, report: Report): void {
  const { allow } = config.providers;
  if (allow === undefined) return;
  for (const key of ['provider', 'dns', 'state'] as const) {
    const name = config[key]?.name;
    if (name === undefined || allow.includes(name)) continue;
    report([key], `"${name}" is not among providers.allow`, `allowed: ${allow.join(', ') || 'none'}`);
  }
}
