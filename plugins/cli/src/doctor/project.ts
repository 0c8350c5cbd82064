import { ProviderError, type Project } from '@clusternator/core';
import type { Check } from './check.ts';
import type { FoundProviders } from '../providers.ts';
import { configFilesIn } from '../init/detect.ts';
import { topOfRepository } from '../init/repository.ts';
import { fits } from '../provider-text.ts';

/** Every provider plugin that is installed, whether a config names it or not. */
export function providerChecks(found: FoundProviders, coreVersion: string): Check[] {
  const good = found.providers.map((source): Check => {
    const label = `${source.id} (${source.package} ${source.version})`;
    if (fits(coreVersion, source.sdk)) return { name: 'provider', state: 'ok', message: label };
    return {
      name: 'provider',
      state: 'warn',
      message: `${label} was made for core ${source.sdk}, this is ${coreVersion}`,
      hint: `clusternator plugins install ${source.package}`,
    };
  });
  const broken = found.broken.map(({ name, reason }): Check => ({
    name: 'provider',
    state: 'warn',
    message: `plugin ${name} can't be used: ${reason}`,
    hint: `clusternator plugins uninstall ${name}`,
  }));
  return [...good, ...broken];
}

/** The project's config, its provider's opinion of it, and its state. Outside of a project there is nothing to check. */
export async function projectChecks(
  directory: string,
  open: () => Promise<Project>,
  signal: AbortSignal,
): Promise<Check[]> {
  const { root, isRepository } = await topOfRepository(directory);
  if (!isRepository) return [{ name: 'project', state: 'warn', message: `${root} is not in a git repository` }];
  if ((await configFilesIn(root)).length === 0) {
    return [{ name: 'project', state: 'warn', message: `${root} has no config`, hint: 'clusternator init' }];
  }
  let project: Project;
  try {
    project = await open();
  } catch (error) {
    return [failed('config', error)];
  }
  const checks: Check[] = [];
  try {
    const { file } = await project.config();
    const problems = await project.validate();
    if (problems.length === 0) checks.push({ name: 'config', state: 'ok', message: `${file} is valid` });
    for (const { path, message } of problems)
      checks.push({ name: 'config', state: 'fail', message: `${path}: ${message}` });
  } catch (error) {
    checks.push(failed('config', error));
  }
  try {
    checks.push(await unfinished(project));
  } catch (error) {
    checks.push(failed('operations', error));
  }
  signal.throwIfAborted();
  return checks;
}

async function unfinished(project: Project): Promise<Check> {
  const left: string[] = [];
  for await (const one of project.operations()) {
    if (one.state === 'interrupted' || (one.state === 'running' && !one.alive)) left.push(one.id);
  }
  if (left.length === 0) return { name: 'operations', state: 'ok', message: 'no operation waits to be resumed' };
  const message = `${String(left.length)} interrupted, for example ${left[0] ?? ''}`;
  return {
    name: 'operations',
    state: 'warn',
    message,
    hint: 'clusternator op list --unfinished, then op resume or op abort',
  };
}

function failed(name: string, error: unknown): Check {
  const message = error instanceof Error ? error.message : String(error);
  const hint = ProviderError.is(error) ? error.detail.hint : undefined;
  return { name, state: 'fail', message, ...(hint === undefined ? {} : { hint }) };
}
