/** Shorter lines of a secret are words of any text, and hiding those would tell more than it hides. */
const MIN_LENGTH = 4;
const HIDDEN = '[secret]';

/** Makes lines of output safe to show: every value, and every line of one, is replaced. */
export function redactor(values: Iterable<string>): (text: string) => string {
  const hidden = [...values]
    .flatMap((value) => [value, ...value.split(/\r?\n/)])
    .filter((value) => value.trim().length >= MIN_LENGTH);
  // The longest go first: one may be a part of another.
  const ordered = [...new Set(hidden)].toSorted((a, b) => b.length - a.length);
  return (text) => ordered.reduce((shown, value) => shown.replaceAll(value, () => HIDDEN), text);
}

/** The text without any of the values. */
export function redact(text: string, values: Iterable<string>): string {
  return redactor(values)(text);
}
