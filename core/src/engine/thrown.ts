/** What was thrown may be anything, also an error of another realm, which `instanceof` does not know. */
function propertyOf(thrown: unknown, name: string): unknown {
  return typeof thrown === 'object' && thrown !== null ? Reflect.get(thrown, name) : undefined;
}

/** Its message, or itself as text. */
export function messageOf(thrown: unknown): string {
  const message = propertyOf(thrown, 'message');
  return typeof message === 'string' ? message : String(thrown);
}

/** The system's or library's own code, such as `ENOENT`. */
export function systemCodeOf(thrown: unknown): string | undefined {
  const code = propertyOf(thrown, 'code');
  return typeof code === 'string' ? code : undefined;
}

/** SQLite's result code with its extension. @see https://www.sqlite.org/rescode.html */
export function sqliteCodeOf(thrown: unknown): number | undefined {
  const code = propertyOf(thrown, 'errcode');
  return typeof code === 'number' ? code : undefined;
}

/** How an aborted signal is told by those that end with it: by a person, or by `AbortSignal.timeout`. */
export function abortOf(thrown: unknown): 'cancelled' | 'timeout' | undefined {
  const name = propertyOf(thrown, 'name');
  return name === 'AbortError' ? 'cancelled' : name === 'TimeoutError' ? 'timeout' : undefined;
}
