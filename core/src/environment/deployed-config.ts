import { ConfigError } from '../config/problem.ts';
import { loadConfig } from '../config/load.ts';
import type { ProjectConfig } from '../config/schema.ts';
import type { Session } from '../host/session.ts';
import { environmentLabel } from '../names/host-label.ts';
import { parseEnvironmentId, type EnvironmentId } from '../names/environment-id.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import type { Problem } from '../provider/provider.ts';
import type { CreateInput } from './create-input.ts';
import { unmetRequirements } from './requirements.ts';

/**
 * The config that a commit is deployed by: its own, with what the command line laid over it.
 * @throws ConfigError (`invalid`), also for what its provider can't do.
 */
export async function deployedConfig(session: Session, input: CreateInput, tree: string): Promise<ProjectConfig> {
  const { config, file } = await loadConfig({
    root: tree,
    env: input.env,
    set: input.set,
    ...(input.configFile !== undefined && { file: input.configFile }),
    ...(input.provider !== undefined && { provider: input.provider }),
  });
  if (config.project !== session.project || config.stage !== session.stage) {
    throw new ProviderError(
      'invalid',
      `commit ${input.commit.sha.slice(0, 12)} belongs to ${config.project} (stage ${config.stage}), not to ${session.project} (stage ${session.stage})`,
      { path: 'project', hint: `say which: --set project=${session.project} --set stage=${session.stage}` },
    );
  }
  const problems = await providerProblems(session, config);
  if (problems.length > 0) throw new ConfigError(problems, file);
  return config;
}

/** What the provider of a config can't do, before anything is made. */
export async function providerProblems(session: Session, config: ProjectConfig): Promise<readonly Problem[]> {
  const bound = await session.bind(config.provider, config.providers);
  const unmet = unmetRequirements(config, bound.capabilities, config.provider.name);
  if (unmet.length > 0 || !bound.provider.check) return unmet;
  const { checkedByProvider } = await import('./project-spec.ts');
  return checkedByProvider(session, config, bound);
}

/** The names that an environment answers for, of 8 digits unless a neighbour has them already. */
export async function projectHosts(
  session: Session,
  id: string,
  domain: string | undefined,
  call: Call,
): Promise<readonly string[]> {
  if (domain === undefined) return [];
  const parsed = parseEnvironmentId(id);
  if (!parsed) throw new ProviderError('internal', `${id} is not the id of an environment`);
  const short = `${environmentLabel(session, parsed)}.${domain}`;
  const neighbours = session.documents.environments.list(call, { prefix: parsed.commit.slice(0, 8) });
  for await (const { id: other, document } of neighbours) {
    if (other !== id && document.phase !== 'gone' && document.hosts.includes(short))
      return [longHost(session, parsed, domain)];
  }
  return [short];
}

function longHost(session: Session, id: EnvironmentId, domain: string): string {
  return `${environmentLabel(session, id, 12)}.${domain}`;
}
