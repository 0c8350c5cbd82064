/** What runs, pinned: `reference` is `name@sha256:…`, or the id of an image on the local Docker Engine. */
export interface ImageArtefact {
  readonly kind: 'image';
  readonly reference: string;
}
/** A site's bundle or a source tree. `Host.folder` has its files. */
export interface FilesArtefact {
  readonly kind: 'files';
  readonly digest: string;
  readonly bytes: number;
}
