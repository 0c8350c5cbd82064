import { stripVTControlCharacters, styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];
type Output = NodeJS.WriteStream;

/** Colours for one stream: none where it is no terminal, or NO_COLOR is set. */
export function paintFor(stream: Output): (style: Style, text: string) => string {
  return (style, text) => styleText(style, text, { stream, validateStream: true });
}

const CONTROLS = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Control characters out, so that a commit message or a host name can't steer the terminal. Line breaks become spaces. */
export function printable(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/[\r\n\t]+/g, ' ')
    .replace(CONTROLS, '');
}

/** As `printable`, but keeps line breaks and tabs. */
export function printableLines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.split('\t').map(printable).join('\t'))
    .join('\n');
}

/** Cut to at most `width` characters, with an ellipsis. */
export function clip(text: string, width: number): string {
  const characters = Array.from(text);
  return characters.length <= width ? text : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`;
}

/** 3 s, 5 m, 2 h, 4 d: the largest unit that fits, for a glance. */
export function briefDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${String(whole)}s`;
  if (whole < 3600) return `${String(Math.floor(whole / 60))}m`;
  if (whole < 48 * 3600) return `${String(Math.floor(whole / 3600))}h`;
  return `${String(Math.floor(whole / 86_400))}d`;
}

/** 1.2 s, 75 s: for how long a step took. */
export function elapsed(milliseconds: number): string {
  return milliseconds < 10_000
    ? `${(milliseconds / 1000).toFixed(1)} s`
    : `${String(Math.round(milliseconds / 1000))} s`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
/** 1.5 GiB: powers of 1024, for a glance. */
export function bytesText(bytes: number | undefined): string {
  if (bytes === undefined) return '';
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && unit < UNITS.length - 1) [value, unit] = [value / 1024, unit + 1];
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit] ?? ''}`;
}
