import type { Deal } from './deal.ts';

/** How a process ends at one of its dealings with the world: before it, after it, or with its answer lost. */
export type Death = 'before' | 'after';

/** A process that ends at its n-th dealing, and then does nothing any more. */
export class Mortal {
  dealings = 0;
  readonly names: string[] = [];
  private dead = false;
  readonly died = Promise.withResolvers<'died'>();

  constructor(
    private readonly diesAt = Infinity,
    private readonly death: Death = 'before',
  ) {}

  readonly deal: Deal = async (what, act) => {
    if (this.dead) return this.nothing();
    const at = this.dealings++;
    this.names.push(what);
    if (at === this.diesAt && this.death === 'before') return this.die();
    const result = await act();
    if (this.isDead()) return this.nothing();
    if (at === this.diesAt) return this.die();
    return result;
  };

  private isDead(): boolean {
    return this.dead;
  }

  private die(): Promise<never> {
    this.dead = true;
    this.died.resolve('died');
    return this.nothing();
  }

  private nothing(): Promise<never> {
    return new Promise(() => {});
  }
}
