import type { TreeNotes } from '../artefact/tree-notes.ts';

const SHOWN = 5;

/** What a commit's files lack, for people: what is deployed may not be what they have in their work tree. */
export function sourceWarnings({ submodules, lfsPointers }: TreeNotes): string[] {
  const warnings: string[] = [];
  if (submodules.length > 0) {
    warnings.push(`submodules are not fetched, their folders are empty: ${someOf(submodules)}`);
  }
  if (lfsPointers.length > 0) {
    warnings.push(`files in Git LFS are not fetched, they hold their pointers: ${someOf(lfsPointers)}`);
  }
  return warnings;
}

function someOf(paths: readonly string[]): string {
  const more = paths.length - SHOWN;
  return paths.slice(0, SHOWN).join(', ') + (more > 0 ? ` and ${String(more)} more` : '');
}
