import type { EngineEvent } from '@clusternator/core';
import type { paintFor } from './text.ts';
import { printable } from './text.ts';

const KINDS_WITHOUT_NOTE = new Set(['started', 'done', 'failed', 'interrupted']);

/** The line that an event is worth by itself. Undefined: none. What failed, the command says. */
export function eventNote(
  event: EngineEvent,
  verbose: boolean,
  paint: ReturnType<typeof paintFor>,
): string | undefined {
  switch (event.type) {
    case 'warning':
      return `${paint('yellow', 'warning:')} ${printable(event.message)}${event.hint ? `\n  ${printable(event.hint)}` : ''}`;
    case 'operation':
      if (KINDS_WITHOUT_NOTE.has(event.state)) return undefined;
      return event.state === 'resumed'
        ? `Resuming ${event.kind} of ${printable(event.subject)} (operation ${event.operation})`
        : `Another process is at it; following operation ${event.operation}`;
    case 'output':
      return verbose ? `${paint('dim', `${printable(event.source)} |`)} ${printable(event.text)}` : undefined;
    case 'log':
      return verbose ? paint('dim', `${event.level}: ${printable(event.message)}${fieldsOf(event.fields)}`) : undefined;
    case 'progress':
      return verbose ? paint('dim', printable(event.message)) : undefined;
    case 'step':
      return undefined;
  }
}

function fieldsOf(fields: Readonly<Record<string, unknown>> | undefined): string {
  if (!fields || Object.keys(fields).length === 0) return '';
  return ` ${printable(JSON.stringify(fields))}`;
}
