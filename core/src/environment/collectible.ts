import type { EnvironmentDocument } from '../state/documents.ts';

const DRAINING_SECONDS = 60;

/** What gc goes by. */
export interface GcRules {
  readonly now: Date;
  /** How many environments are kept, where the config says so. */
  readonly max?: number;
}

/** An environment to destroy, and why. */
export interface Collectible {
  readonly document: EnvironmentDocument;
  readonly why: string;
}

/** Whether a slot uses it. Such an environment is never collected, whatever its age. */
export function isPinned({ pins }: EnvironmentDocument): boolean {
  return Object.values(pins).some((holders) => Object.keys(holders).length > 0);
}

/**
 * The environments that have outlived their use: past their time to live, failed, let go by the slot that they were made for, and the oldest
 * beyond `max`. Never one that is pinned, and never one that an operation works on: that is for the operation's own end.
 */
export function collectible(documents: readonly EnvironmentDocument[], rules: GcRules): readonly Collectible[] {
  const there = documents.filter((document) => document.phase !== 'gone');
  const free = there.filter((document) => !document.owner && !isPinned(document) && !isDraining(document, rules.now));
  const found = new Map<string, Collectible>();
  for (const document of free) {
    if (document.phase === 'failed') found.set(document.id, { document, why: 'failed' });
    else if (document.phase === 'destroying') found.set(document.id, { document, why: 'its destroy was left' });
    else if (document.slot !== undefined && document.releasedAt !== undefined) {
      found.set(document.id, { document, why: `was made for ${document.slot}, which let go of it` });
    } else if (isExpired(document, rules.now)) {
      found.set(document.id, { document, why: `expired at ${document.expiresAt ?? ''}` });
    }
  }
  if (rules.max !== undefined) {
    const kept = there.length - found.size;
    const oldest = free
      .filter((document) => document.phase === 'ready' && !found.has(document.id))
      .sort((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt))
      .slice(0, Math.max(0, kept - rules.max));
    for (const document of oldest) {
      found.set(document.id, { document, why: `more than the ${String(rules.max)} of environments.max` });
    }
  }
  return [...found.values()];
}

/** A slot let go of it just now: what it began to answer, or a route that was slow to be written, may still need it. */
function isDraining({ releasedAt }: EnvironmentDocument, now: Date): boolean {
  return releasedAt !== undefined && now.getTime() - Date.parse(releasedAt) < DRAINING_SECONDS * 1000;
}

/** Past its time to live. */
export function isExpired({ expiresAt }: EnvironmentDocument, now: Date): boolean {
  return expiresAt !== undefined && Date.parse(expiresAt) <= now.getTime();
}
