import type { ProjectConfigInput } from './schema.ts';

/** For `clusternator.config.ts`: gives the config its types. */
export function defineConfig(config: ProjectConfigInput): ProjectConfigInput {
  return config;
}
