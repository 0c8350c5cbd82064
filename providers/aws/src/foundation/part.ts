import type { Phase, RecordSet } from '@clusternator/core/provider';
import type { Site } from './site.ts';

/** What there is of a part. */
export interface Found {
  readonly id: string;
  readonly phase: Exclude<Phase, 'stopped'>;
  /** It is there, and not as it is to be: `make` mends it. */
  readonly differs?: boolean;
  /** Why it failed, or what it waits for. */
  readonly message?: string;
  /** What others need of it beside its id. */
  readonly details?: Readonly<Record<string, string>>;
  /** What it waits for in the domain's DNS. */
  readonly record?: RecordSet;
}

/** One thing of a foundation, as small as one request makes it, so that whatever is cut short goes on where it was. */
export interface Part {
  readonly name: string;
  /** What has to be ready before it is made, and is removed after it. What is not part of a foundation is passed over. */
  readonly after: readonly string[];
  /** Of these, what only has to be begun. */
  readonly onceBegun?: readonly string[];
  /** What is removed after it too, and need not be there for it to be made. */
  readonly endsBefore?: readonly string[];
  /** What it is a setting of, and goes with. */
  readonly within?: string;
  /** It is still there for a while once it was removed. */
  readonly lingers?: true;
  /** AWS can give it up. Who finds it so removes it, and makes another. */
  readonly remade?: true;
  /** @throws ProviderError `owned-by-other`. */
  find(at: Site): Promise<Found | undefined>;
  /** Makes it, or mends what was found. */
  make(at: Site, found: Found | undefined): Promise<Found>;
  /** Left out: it goes with what it is within. */
  remove?(at: Site, found: Found): Promise<void>;
}

/** Of what there may be several of: the first is called plainly. @param place - From 1. */
export function partName(what: string, place: number): string {
  return place === 1 ? what : `${what} ${String(place)}`;
}

export function isReady(found: Found | undefined): boolean {
  return found?.phase === 'active' && found.differs !== true;
}
