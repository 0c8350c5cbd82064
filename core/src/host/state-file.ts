import { join } from 'node:path';
import type { ProjectName } from './project-name.ts';

type Place = Pick<ProjectName, 'project' | 'stage'>;

/** Where the documents of a project and stage are kept on this machine. */
export function stateFile(stateFolder: string, name: Place): string {
  return join(projectFolder(stateFolder, name), 'state.db');
}

export function projectFolder(stateFolder: string, { project, stage }: Place): string {
  return join(stateFolder, 'projects', `${project}--${stage}`);
}
