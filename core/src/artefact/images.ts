import type { Call } from '../provider/host.ts';
import type { FilesArtefact, ImageArtefact } from './artefact.ts';

/** Where images live. Core builds them with a Docker Engine and pushes. */
export interface ImageDriver {
  repository(service: string, call: Call): Promise<Repository>;
  destroy(image: ImageArtefact, call: Call): Promise<void>;
  /** With `images.build`. */
  build?(service: string, source: FilesArtefact, dockerfile: string, call: Call): Promise<ImageArtefact>;
}
/** `name` as in `host/path`, `platform` as in `linux/amd64`. The login is used at once and never kept. */
export interface Repository {
  readonly name: string;
  readonly platform: string;
  readonly username: string;
  readonly password: string;
}
