/** What the engine tells while it works. It never prints: whoever opened the project decides how these look. */
export type EngineEvent =
  | {
      readonly type: 'operation';
      readonly operation: string;
      readonly kind: string;
      readonly subject: string;
      readonly state: 'started' | 'resumed' | 'attached' | 'done' | 'failed' | 'interrupted' | 'aborted' | 'superseded';
    }
  | {
      readonly type: 'step';
      readonly operation: string;
      readonly step: string;
      readonly title: string;
      readonly state: 'started' | 'done' | 'known' | 'failed';
      readonly message?: string;
    }
  | {
      readonly type: 'progress';
      readonly operation: string;
      readonly step?: string;
      readonly message: string;
      readonly done?: number;
      readonly total?: number;
      readonly unit?: 'bytes' | 'items';
    }
  /** A line that a build or a service wrote. */
  | { readonly type: 'output'; readonly operation: string; readonly source: string; readonly text: string }
  | { readonly type: 'warning'; readonly message: string; readonly hint?: string }
  | {
      readonly type: 'log';
      readonly level: 'debug' | 'info' | 'warn';
      readonly message: string;
      readonly fields?: Readonly<Record<string, unknown>>;
    };
