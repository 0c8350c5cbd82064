import type { Refusal } from '../kit/harness.ts';

/** Where a cloud's interface listens: a URL, or the path of a Unix socket. */
export type WireTarget = { readonly url: string } | { readonly socket: string };

/** One request as it went over the wire. `mutation` counts those that change something, from 1. */
export interface WireCall {
  readonly at: number;
  readonly mutation?: number;
  readonly protocol: 'http/1' | 'http/2' | 'grpc';
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What goes wrong. `after` tells whether the cloud carried the request out. */
export type Fault =
  | { readonly kind: 'delay'; readonly seconds: number }
  | { readonly kind: 'refuse'; readonly refusal: Refusal | ((call: WireCall) => Refusal); readonly after: boolean }
  | { readonly kind: 'reset'; readonly after: boolean }
  /** The answer never comes; the connection stays open. */
  | { readonly kind: 'silence'; readonly after: boolean }
  /** A read is answered as it was before the call with this number. */
  | { readonly kind: 'stale'; readonly asOf: number }
  /** Runs at that moment, with the call held: to kill whoever made it. */
  | { readonly kind: 'interrupt'; readonly at: 'before' | 'after' | 'answered'; readonly act: () => Promise<void> };

/** What befalls the calls that it is for. */
export interface Rule {
  readonly when: (call: WireCall) => boolean;
  readonly fault: Fault;
  /** How often. Left out: until it is lifted. */
  readonly times?: number;
}

/** The wire between a driver and its cloud: what went over it, and what is to go wrong. */
export class Wire {
  readonly calls: WireCall[] = [];
  #mutations = 0;
  #rules: { rule: Rule; left: number }[] = [];
  #underWay = 0;
  #whenIdle: (() => void)[] = [];

  /** @returns Lifts the rule. */
  impose(rule: Rule): () => void {
    const imposed = { rule, left: rule.times ?? Infinity };
    this.#rules.push(imposed);
    return () => {
      this.#rules = this.#rules.filter((other) => other !== imposed);
    };
  }

  /** The next `times` mutating calls. */
  onMutations(fault: Fault, times?: number): () => void {
    return this.impose({ when: isMutation, fault, ...(times !== undefined && { times }) });
  }

  /** The next `times` reads. */
  onReads(fault: Fault, times?: number): () => void {
    return this.impose({ when: (call) => !isMutation(call), fault, ...(times !== undefined && { times }) });
  }

  lift(): void {
    this.#rules = [];
  }

  /** How many mutating calls went over it. */
  get mutations(): number {
    return this.#mutations;
  }

  since(at: number): readonly WireCall[] {
    return this.calls.slice(at);
  }

  /** Once no call is under way. */
  idle(): Promise<void> {
    if (this.#underWay === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  /** For the proxy: a call that was admitted is over. */
  release(): void {
    this.#underWay -= 1;
    if (this.#underWay > 0) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  /** For the proxy: numbers a call. @returns The fault that befalls it. */
  admit(
    call: Omit<WireCall, 'at' | 'mutation'>,
    isMutating: boolean,
  ): { readonly call: WireCall; readonly fault?: Fault } {
    const numbered: WireCall = {
      ...call,
      at: this.calls.length,
      ...(isMutating && { mutation: (this.#mutations += 1) }),
    };
    this.calls.push(numbered);
    this.#underWay += 1;
    const struck = this.#rules.find(({ rule, left }) => left > 0 && rule.when(numbered));
    if (!struck) return { call: numbered };
    struck.left -= 1;
    return { call: numbered, fault: struck.rule.fault };
  }
}

export function isMutation(call: WireCall): boolean {
  return call.mutation !== undefined;
}
