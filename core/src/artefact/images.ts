import type { Call } from '../provider/host.ts';
import type { FilesArtefact, ImageArtefact } from './artefact.ts';

/** Where images live. Core builds them with a Docker Engine and pushes, or has them built there. */
export interface ImageDriver {
  repository(service: string, call: Call): Promise<Repository>;
  destroy(image: ImageArtefact, call: Call): Promise<void>;
  /**
   * With `images.build`. An owner gets one image, by one build: called again, also by another process or after an answer was lost, it waits for the
   * build that runs, or gives the image that there is. Core has one call for an owner at a time. An abort ends the build.
   * @param onOutput - Gets what the build says, line by line.
   * @throws ProviderError `unhealthy`: the build failed, with its last lines.
   */
  build?(spec: ImageBuildSpec, onOutput: (line: string) => void, call: Call): Promise<ImageArtefact>;
  /** With `images.build`. Ends the build of an owner, and removes what it left, also an image that nobody was told of. */
  discard?(owner: ImageOwner, call: Call): Promise<void>;
}
/** Whose an image is that the cloud builds: a service's of an environment, by its resource id. */
export interface ImageOwner {
  readonly environment: string;
  readonly service: string;
}
/** What the cloud builds an image from. An owner's stays the same. */
export interface ImageBuildSpec extends ImageOwner {
  readonly source: FilesArtefact;
  /** The folder of the source that the build sees; `.` is all of it. */
  readonly context: string;
  /** Relative to the context. */
  readonly dockerfile: string;
  readonly labels: Readonly<Record<string, string>>;
}
/** `name` as in `host/path`, `platform` as in `linux/amd64`. The login is used at once and never kept. */
export interface Repository {
  readonly name: string;
  readonly platform: string;
  readonly username: string;
  readonly password: string;
}
