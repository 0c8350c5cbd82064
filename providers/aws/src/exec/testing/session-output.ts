import { createHash } from 'node:crypto';
import type { ExecSession } from '@clusternator/core';

/** All of it, as text. */
export async function outputOf({ output }: ExecSession): Promise<string> {
  return Buffer.concat(await Array.fromAsync(output)).toString();
}

/** Whether a `sha256sum` reads every byte of its input, to the end. */
export async function readsEveryByte(sha256sum: ExecSession): Promise<boolean> {
  const input = Buffer.from(Array.from({ length: 20_000 }, (_, at) => at % 256));
  await sha256sum.write(input);
  await sha256sum.end();
  const [sum] = (await outputOf(sha256sum)).split(' ');
  return sum === createHash('sha256').update(input).digest('hex') && (await sha256sum.exitCode) === 0;
}
