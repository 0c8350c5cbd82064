import { ProviderError } from '@clusternator/core/provider';
import { codeOf, messageOf } from './control/failure.ts';

/** What the system says of the state folder, as ours. */
export function errorOf(cause: unknown): ProviderError | undefined {
  const code = codeOf(cause);
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new ProviderError('quota', `the disk of the state folder is full: ${messageOf(cause)}`, { cause });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new ProviderError('denied', messageOf(cause), { cause, hint: 'see who owns the state folder' });
    case 'EMFILE':
    case 'ENFILE':
      return new ProviderError('quota', 'too many files are open on this machine', { cause, retry: 'safe' });
    default:
      return undefined;
  }
}
