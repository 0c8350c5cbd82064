import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { throwIfAborted } from '../engine/call.ts';
import { ProviderError } from '../provider/error.ts';

/** Prepares a statement, once. */
export type Sql = (text: string) => StatementSync;

/** One write that waits for its transaction, which it may share with others. */
export class Write {
  private outcome: (() => void) | undefined;

  /** @param attempt - Gives what is to be told once the transaction is durable. */
  constructor(
    readonly doing: string,
    private readonly signal: AbortSignal,
    private readonly attempt: (sql: Sql) => () => void,
    private readonly reject: (reason: unknown) => void,
  ) {}

  /** False: it was aborted, which it is told. */
  isWanted(): boolean {
    try {
      throwIfAborted(this.signal, this.doing);
      return true;
    } catch (error) {
      this.reject(error);
      return false;
    }
  }

  /** What it refuses by itself, such as a revision that moved, leaves the others as they are. @throws what SQLite throws. */
  run(db: DatabaseSync, sql: Sql): void {
    db.exec('SAVEPOINT one');
    try {
      this.outcome = this.attempt(sql);
    } catch (error) {
      if (!ProviderError.is(error)) throw error;
      db.exec('ROLLBACK TO one');
      this.outcome = () => {
        this.reject(error);
      };
    }
    db.exec('RELEASE one');
  }

  /** Once the transaction is durable. */
  succeed(): void {
    this.outcome?.();
  }

  fail(error: unknown): void {
    this.reject(error);
  }
}
