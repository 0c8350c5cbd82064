/** Something that one process does to the world outside of it: it may die before or after, or its answer may be lost. */
export type Deal = <T>(what: string, act: () => T) => Promise<T>;
export const plainly: Deal = async (_what, act) => act();
