import { readFile } from 'node:fs/promises';

/** The content of a JSON file of somebody else's; undefined where it is not there, or no JSON. */
export async function jsonOf(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    return undefined;
  }
}
