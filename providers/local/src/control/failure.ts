/** The text of whatever was thrown. Not by `instanceof`: an error may come from another realm, or another copy of a library. */
export function messageOf(thrown: unknown): string {
  const message = propertyOf(thrown, 'message');
  return typeof message === 'string' ? message : String(thrown);
}

/** The system's word for what went wrong, such as `ENOENT`. */
export function codeOf(thrown: unknown): unknown {
  return propertyOf(thrown, 'code');
}

/** With where it came from, for a log. */
export function stackOf(thrown: unknown): string {
  const stack = propertyOf(thrown, 'stack');
  return typeof stack === 'string' ? stack : messageOf(thrown);
}

function propertyOf(thrown: unknown, name: string): unknown {
  return typeof thrown === 'object' && thrown !== null ? Reflect.get(thrown, name) : undefined;
}
