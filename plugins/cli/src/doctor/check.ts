/** One thing that doctor looked at. A `fail` keeps commands from working, a `warn` keeps some of them from it. */
export interface Check {
  readonly name: string;
  readonly state: 'ok' | 'warn' | 'fail';
  readonly message: string;
  /** The way out. */
  readonly hint?: string;
}

/** A check that did not get to an answer has one too. */
export async function checked(name: string, check: () => Promise<Check | readonly Check[]>): Promise<readonly Check[]> {
  try {
    return [await check()].flat();
  } catch (error) {
    return [{ name, state: 'fail', message: error instanceof Error ? error.message : String(error) }];
  }
}
