/** Whether AWS said one of these names. The SDK adds `Fault` or `Exception` to some. */
export function isNamed(error: unknown, names: readonly string[]): boolean {
  const name = typeof error === 'object' && error !== null && 'name' in error ? error.name : undefined;
  return typeof name === 'string' && names.includes(name.replace(/(?:Fault|Exception)$/, ''));
}

/** What AWS says to be absent, as undefined. Whatever else goes wrong is thrown. */
export async function unlessAbsent<T>(asked: Promise<T>, names: readonly string[]): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isNamed(error, names)) return undefined;
    throw error;
  }
}
