import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { readProjectName } from '../config/identity.ts';
import type { LoadOptions } from '../config/load.ts';
import { firstPlace } from '../config/places.ts';
import { DEFAULT_STAGE } from '../names/owner.ts';
import type { OpenOptions } from './project.ts';

/** What names a project's state. `provider` is empty where only the project's name was told. */
export interface ProjectName {
  readonly project: string;
  readonly stage: string;
  readonly provider: string;
}

/** Where the config of the work tree around a folder is: in that folder or above, up to the repository's top. */
export async function workTreeConfig(options: OpenOptions): Promise<LoadOptions> {
  const { configFile, set, provider, env, stage, project } = options;
  return {
    root: await configRoot(resolve(options.directory)),
    env: {
      ...env,
      ...(stage !== undefined && { CLUSTERNATOR_STAGE: stage }),
      ...(project !== undefined && { CLUSTERNATOR_PROJECT: project }),
    },
    ...(configFile !== undefined && { file: resolve(configFile) }),
    ...(set && { set }),
    ...(provider !== undefined && { provider }),
  };
}

/** By the work tree's config, or as told where there is none. @throws ConfigError. */
export async function projectName(options: OpenOptions): Promise<ProjectName> {
  const place = await workTreeConfig(options);
  if (options.project !== undefined && options.configFile === undefined && !(await firstPlace(place.root))) {
    return {
      project: options.project,
      stage: options.stage ?? DEFAULT_STAGE,
      provider: options.provider ?? '',
    };
  }
  return readProjectName(place);
}

async function configRoot(directory: string): Promise<string> {
  for (let folder = directory; ; folder = dirname(folder)) {
    const isTop = (await stat(join(folder, '.git')).catch(() => undefined)) !== undefined;
    if (isTop) return folder;
    if (dirname(folder) === folder) return directory;
  }
}
