/** What a backend or a host has seen. `upgraded` are open WebSockets and the like; they are not in `inFlight`. */
export interface Traffic {
  readonly requests: number;
  readonly inFlight: number;
  readonly upgraded: number;
  readonly lastRequestAt?: Date;
}

/** What is being answered is seen now, however long ago it began. */
export function lastSeenAt({ inFlight, upgraded, lastRequestAt }: Traffic, now: Date): Date | undefined {
  return inFlight > 0 || upgraded > 0 ? now : lastRequestAt;
}

/** Counts the traffic of one backend or host. */
export class TrafficCounter {
  requests = 0;
  inFlight = 0;
  upgraded = 0;
  private lastRequestAtMs: number | undefined;

  started(nowMs: number): void {
    this.requests += 1;
    this.inFlight += 1;
    this.lastRequestAtMs = nowMs;
  }

  snapshot(): Traffic {
    return {
      requests: this.requests,
      inFlight: this.inFlight,
      upgraded: this.upgraded,
      ...(this.lastRequestAtMs === undefined ? {} : { lastRequestAt: new Date(this.lastRequestAtMs) }),
    };
  }
}
