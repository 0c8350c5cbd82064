import { ProviderError } from '@clusternator/core/provider';

/** A whole percentage of a host's requests. With 0 it gets none. */
export interface Share {
  readonly backend: string;
  readonly percent: number;
}

/** Smooth weighted round robin: of any hundred requests in a row, each backend gets exactly its percentage, well mixed. */
export class WeightedChoice {
  private readonly only: string | undefined;
  private readonly running: { readonly backend: string; readonly percent: number; credit: number }[];

  /** @throws ProviderError `invalid` when the shares are not whole percents that add up to 100. */
  constructor(readonly shares: readonly Share[]) {
    const whole = shares.every(({ percent }) => Number.isInteger(percent) && percent >= 0);
    const total = shares.reduce((sum, { percent }) => sum + percent, 0);
    if (!whole || total !== 100) {
      throw new ProviderError('invalid', `shares must be whole percents that add up to 100, not ${describe(shares)}`, {
        path: 'percent',
      });
    }
    this.running = shares.filter(({ percent }) => percent > 0).map((share) => ({ ...share, credit: 0 }));
    this.only = this.running.length === 1 ? this.running[0]?.backend : undefined;
  }

  next(): string {
    if (this.only !== undefined) return this.only;
    let best = this.running[0];
    for (const candidate of this.running) {
      candidate.credit += candidate.percent;
      if (best === undefined || candidate.credit > best.credit) best = candidate;
    }
    if (best === undefined) throw new ProviderError('internal', 'a host without shares');
    best.credit -= 100;
    return best.backend;
  }
}

function describe(shares: readonly Share[]): string {
  return shares.length === 0 ? 'nothing' : shares.map(({ percent }) => String(percent)).join(' + ');
}
