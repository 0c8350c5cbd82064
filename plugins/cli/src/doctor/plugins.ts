import type { Interfaces } from '@oclif/core';
import type { Check } from './check.ts';

const HOOK_TIMEOUT_MS = 10_000;

/** What a plugin's `doctor` hook gets. It returns checks of its own: of a daemon, of ports, of credentials. */
export interface DoctorHookOptions {
  readonly stateFolder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Asks every plugin that has a `doctor` hook. A hook that fails is a finding of its own. */
export async function pluginChecks(config: Interfaces.Config, options: DoctorHookOptions): Promise<Check[]> {
  const { successes, failures } = await config.runHook('doctor', { ...options }, HOOK_TIMEOUT_MS, true);
  const answers = successes.map((one): unknown => one.result);
  return [
    ...answers.flat().filter(isCheck),
    ...failures.map(({ plugin, error }): Check => ({
      name: 'plugin',
      state: 'fail',
      message: `${plugin.name} could not check itself: ${error.message}`,
      hint: `clusternator plugins uninstall ${plugin.name}, or report it to its author`,
    })),
  ];
}

function isCheck(value: unknown): value is Check {
  return typeof value === 'object' && value !== null && 'name' in value && 'state' in value && 'message' in value;
}
