import type { AgentMessage } from './agent-message.ts';

/** As many as AWS's own client keeps. */
const CAPACITY = 10_000;

/** Puts a stream's messages in order: they may come twice, or too early. */
export class Inbox {
  private next = 0;
  private readonly early = new Map<number, AgentMessage>();

  /** @returns Whether it may be acknowledged, and what is next in order by now. */
  take(message: AgentMessage): { readonly isTaken: boolean; readonly inOrder: readonly AgentMessage[] } {
    const { sequence } = message;
    // It came before: what was said of it then may have been lost.
    if (sequence < this.next) return { isTaken: true, inOrder: [] };
    if (sequence > this.next && this.early.size >= CAPACITY) return { isTaken: false, inOrder: [] };
    this.early.set(sequence, message);
    return { isTaken: true, inOrder: [...this.ready()] };
  }

  private *ready(): Generator<AgentMessage> {
    for (let one = this.early.get(this.next); one; one = this.early.get(this.next)) {
      this.early.delete(this.next);
      this.next += 1;
      yield one;
    }
  }
}
