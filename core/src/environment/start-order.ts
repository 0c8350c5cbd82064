/**
 * Sorts names so that each comes after those it needs; otherwise in the order given.
 * @param needs - By name. What is not among the names is left out. A cycle is the config's to refuse.
 */
export function startOrder(needs: Readonly<Record<string, readonly string[]>>): readonly string[] {
  const sorted = new Set<string>();
  const visit = (name: string, above: ReadonlySet<string>): void => {
    if (sorted.has(name) || above.has(name)) return;
    const path = new Set(above).add(name);
    for (const needed of needs[name] ?? []) if (needed in needs) visit(needed, path);
    sorted.add(name);
  };
  for (const name of Object.keys(needs)) visit(name, new Set());
  return [...sorted];
}
