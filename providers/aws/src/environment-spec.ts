import { ProviderError, type EnvironmentSpec, type Problem } from '@clusternator/core/provider';

/** A slot's names lead to an environment by the slot's own rules. */
export function ownHosts({ slot, hosts }: EnvironmentSpec): readonly string[] {
  return slot === undefined ? hosts : hosts.slice(0, 1);
}

/** @throws ProviderError `invalid` or `unsupported`, with the first of its problems. */
export function refuse({ id }: EnvironmentSpec, [problem]: readonly Problem[]): void {
  if (!problem) return;
  const code = problem.capability === undefined ? 'invalid' : 'unsupported';
  throw new ProviderError(code, `environment ${id}: ${problem.message}`, { path: problem.path });
}
