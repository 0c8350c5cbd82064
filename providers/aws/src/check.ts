import type { Problem, ProjectSpec } from '@clusternator/core/provider';
import { environmentProblems } from './ec2/plan.ts';
import type { ProviderConfig } from './provider-config.ts';
import { problemsOf as problemsOfSites } from './site/plan.ts';
import { checkVolumes } from './storage/engines.ts';

/** What capabilities can't say of a project on AWS. */
export function check(project: ProjectSpec, { kind, machine }: ProviderConfig): readonly Problem[] {
  if (kind === 'sites') return problemsOfSites(project.environment);
  return [...environmentProblems(project.environment, machine), ...checkVolumes(project)];
}
