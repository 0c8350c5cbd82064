import { parseEnv } from 'node:util';

/** Reads a dotenv file: `NAME=value` lines with comments, quotes and `export`. */
export function parseEnvFile(text: string): Readonly<Record<string, string>> {
  const parsed = Object.entries(parseEnv(text.replace(/^\uFEFF/, '')));
  return Object.fromEntries(parsed.filter((entry): entry is [string, string] => entry[1] !== undefined));
}
