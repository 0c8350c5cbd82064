import type { RecordSet } from '@clusternator/core/provider';
import type { Part } from './part.ts';
import type { Shape } from './shape.ts';
import type { GroundName, Site } from './site.ts';

/** What a kind of foundation consists of, and what it gives out. */
export interface Kind<F> {
  readonly ground: GroundName;
  partsOf(shape: Shape): readonly Part[];
  /** Whatever one of any shape may have left. */
  partsOfAnyShape(logDays: number): readonly Part[];
  /** Whatever drivers may have added to one. It is kept as it is to be where it is there, and destroyed with the others. */
  readonly added: readonly Part[];
  /** The last: it says what the foundation was made from. */
  readonly fingerprint: Part;
  /** Before anything is written, beside the look at what there is. @throws ProviderError `invalid`. */
  check(at: Site): Promise<void>;
  /** The same, once it was looked. @throws ProviderError `conflict`, `invalid`. */
  refuse(at: Site): Promise<void>;
  /** What is asked for beside the first parts, where it costs no time. */
  ahead(at: Site): Promise<unknown>;
  recordsOf(at: Site): Promise<readonly RecordSet[]>;
  /** Of one that is whole. */
  outputsOf(at: Site): Promise<F>;
}
