import { ProviderError } from '@clusternator/core';

/**
 * Asks before something that can't be undone.
 * @throws ProviderError `invalid` where nobody can answer, `cancelled` for a no.
 */
export async function confirmed(question: string, json: boolean): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY || json) {
    throw new ProviderError('invalid', `there is no terminal to ask in: ${question}`, {
      path: '--yes',
      hint: 'add --yes',
    });
  }
  const { confirm } = await import('@inquirer/prompts');
  const yes = await confirm({ message: question, default: false }, { output: process.stderr });
  if (!yes) throw new ProviderError('cancelled', 'nothing was changed');
}
