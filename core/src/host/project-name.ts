import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { readProjectName } from '../config/identity.ts';
import type { LoadOptions } from '../config/load.ts';
import { firstPlace } from '../config/places.ts';
import { DEFAULT_STAGE } from '../names/owner.ts';
import { ProviderError } from '../provider/error.ts';
import type { Settings } from './settings.ts';

/** What names a project's state. `provider` is empty where only the project's name was told. */
export interface ProjectName {
  readonly project: string;
  readonly stage: string;
  readonly provider: string;
  /** Where the state is kept, if not on this machine. */
  readonly state?: { readonly name: string; readonly config: unknown };
}

/** Where the config of the work tree around a folder is: in that folder or above, up to the repository's top. */
export async function workTreeConfig(options: Settings): Promise<LoadOptions> {
  const { configFile, set, provider, env, stage, project } = options;
  return {
    root: (await repositoryTop(resolve(options.directory))) ?? resolve(options.directory),
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

/** By the work tree's config, or as told where there is none. @throws ConfigError; ProviderError `invalid`: this is no repository. */
export async function projectName(options: Settings): Promise<ProjectName> {
  const place = await workTreeConfig(options);
  if (place.file !== undefined || (await firstPlace(place.root)) !== undefined) return readProjectName(place);
  if (options.project !== undefined) {
    return { project: options.project, stage: options.stage ?? DEFAULT_STAGE, provider: options.provider ?? '' };
  }
  const directory = resolve(options.directory);
  if ((await repositoryTop(directory)) !== undefined) return readProjectName(place); // it says what is missing
  throw new ProviderError('invalid', `${directory} is not in the work tree of a git repository`, {
    path: directory,
    hint: 'run this in the repository to deploy, name one with --cwd <folder>, or name the project with --project <name>',
  });
}

async function repositoryTop(directory: string): Promise<string | undefined> {
  for (let folder = directory; ; folder = dirname(folder)) {
    const isTop = (await stat(join(folder, '.git')).catch(() => undefined)) !== undefined;
    if (isTop) return folder;
    if (dirname(folder) === folder) return undefined;
  }
}
