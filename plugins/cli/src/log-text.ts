import type { LogLine } from '@clusternator/core';
import { paintFor, printable } from './output/text.ts';

const COLOURS = ['cyan', 'yellow', 'green', 'magenta', 'blue', 'red'] as const;

/** Puts the service before each line, each in a colour of its own. What the service itself wrote is printed as it is. */
export function linePainter(stream: NodeJS.WriteStream): (line: LogLine) => string {
  const paint = paintFor(stream);
  const names = new Map<string, number>();
  let width = 0;
  return ({ service, text }) => {
    if (!names.has(service)) names.set(service, names.size);
    width = Math.max(width, service.length);
    const colour = COLOURS[(names.get(service) ?? 0) % COLOURS.length] ?? 'cyan';
    return `${paint(colour, `${printable(service).padEnd(width)} |`)} ${text}`;
  };
}
