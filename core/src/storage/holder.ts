import { ProviderError } from '../provider/error.ts';
import type { VolumeDocument } from './documents.ts';

/** @param former - A holder that is gone. @throws ProviderError `conflict`. */
export function checkHolder(document: VolumeDocument, environment: string, former?: string): VolumeDocument {
  const { holder, spec } = document;
  if (spec.kind !== 'disk' || holder === undefined || holder === environment || holder === former) return document;
  throw heldBy(document);
}

/** Why nobody else mounts a disk. */
export function heldBy({ id, holder = '', slot }: VolumeDocument): ProviderError {
  const hint =
    slot === undefined
      ? `clusternator env destroy ${holder}, or use kind: files`
      : `clusternator promote <environment> ${slot} hands it over`;
  return new ProviderError(
    'conflict',
    `volume ${id} is a disk, which one environment at a time mounts: ${holder} holds it`,
    { effect: 'none', hint },
  );
}
