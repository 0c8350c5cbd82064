/** What the engine tells while it works. It never prints: whoever opened the project decides how these look. */
export type EngineEvent = OperationEvent | StepEvent | ProgressEvent | OutputEvent | WarningEvent | LogEvent;

/** An operation began, went on, or ended. */
export interface OperationEvent {
  readonly type: 'operation';
  /** Its id, for `op show` and `op resume`. */
  readonly operation: string;
  /** Such as create, destroy, promote, rollback, foundation. */
  readonly kind: string;
  /** The environment, slot or foundation that it works on. */
  readonly subject: string;
  /** `attached`: another process does it, and this one waits for its end. */
  readonly state: 'started' | 'resumed' | 'attached' | 'done' | 'failed' | 'interrupted' | 'aborted' | 'superseded';
}

/** A step of an operation began or ended. */
export interface StepEvent {
  readonly type: 'step';
  readonly operation: string;
  /** The same for the same step of each operation of the kind, such as `source` or `image/api`. */
  readonly step: string;
  /** For people. */
  readonly title: string;
  /** `known`: it was done before this process took over, and is not done again. */
  readonly state: 'started' | 'done' | 'known' | 'failed';
  /** Why it failed. */
  readonly message?: string;
}

/** How far a step is, as its driver tells. */
export interface ProgressEvent {
  readonly type: 'progress';
  readonly operation: string;
  readonly step?: string;
  readonly message: string;
  /** In `unit`, of `total`. */
  readonly done?: number;
  readonly total?: number;
  readonly unit?: 'bytes' | 'items';
}

/** Text that a build or a service wrote. */
export interface OutputEvent {
  readonly type: 'output';
  readonly operation: string;
  /** Whose text it is, such as `build api`. */
  readonly source: string;
  readonly text: string;
}

/** What a person should know, though the work goes on. */
export interface WarningEvent {
  readonly type: 'warning';
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
}

/** What a driver logs, to find out why something happened. */
export interface LogEvent {
  readonly type: 'log';
  readonly level: 'debug' | 'info' | 'warn';
  readonly message: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}
