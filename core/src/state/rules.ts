import { ProviderError } from '../provider/error.ts';

/** Of one value, as UTF-8. */
export const MAX_VALUE_BYTES = 256 * 1024;
const KEY = /^[a-z0-9@._/-]{1,255}$/;
const PREFIX = /^[a-z0-9@._/-]{0,255}$/;

/** @throws `invalid`. */
export function checkKey(key: string): void {
  if (!KEY.test(key)) throw new ProviderError('invalid', `state key ${quoted(key)} is not of [a-z0-9@._/-]{1,255}`);
}

/** @throws `invalid`. */
export function checkPrefix(prefix: string): void {
  if (!PREFIX.test(prefix))
    throw new ProviderError('invalid', `state prefix ${quoted(prefix)} is not of [a-z0-9@._/-]{0,255}`);
}

/** @throws `invalid`. */
export function checkValue(key: string, value: string): void {
  const bytes = Buffer.byteLength(value);
  if (bytes <= MAX_VALUE_BYTES) return;
  throw new ProviderError(
    'invalid',
    `state document ${key} has ${bytes} bytes, more than the ${MAX_VALUE_BYTES} that a document may have`,
  );
}

/** What a put or delete that lost says. */
export function moved(key: string, expected: string | null, found: string | undefined): ProviderError {
  if (expected === null) return new ProviderError('conflict', `state document ${key} is there already`);
  const now = found === undefined ? 'is gone' : 'was changed by somebody else';
  return new ProviderError('conflict', `state document ${key} ${now}`);
}

/** The first string after all that begin with `prefix`: `{` follows `z`, the last character that a key may have. */
export function endOfPrefix(prefix: string): string {
  return `${prefix}{`;
}

const quoted = (text: string) => JSON.stringify(text.length > 300 ? `${text.slice(0, 300)}…` : text);
