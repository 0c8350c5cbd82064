import { parseArgsStringToArgv } from 'string-argv';

/** Why a text is not a plain list of arguments, and how to write it instead. */
export interface CommandProblem {
  readonly message: string;
  readonly hint: string;
}

/**
 * Splits a command at its blanks; single and double quotes keep them. No shell ever sees it, so what only a shell understands is a problem
 * and not a surprise: operators, variables, escapes, several lines.
 */
export function splitCommand(text: string): { readonly argv: string[] } | CommandProblem {
  const found = shellSyntax(text.trim());
  if (found !== undefined) {
    return {
      message: `${found}, and no shell reads this command`,
      hint: `if a shell is to read it: ${asShellCommand(text)}`,
    };
  }
  const argv = parseArgsStringToArgv(text);
  if (argv.length === 0 || argv[0] === '')
    return { message: 'is empty', hint: 'write a command such as: node server.js' };
  return { argv };
}

function shellSyntax(text: string): string | undefined {
  let quote: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    const pair = text.slice(at, at + 2);
    if (quote === character) quote = undefined;
    else if (quote === "'") continue;
    else if (/^\$[A-Za-z_{(]/.test(pair) || character === '`' || character === '\\') {
      return `contains ${pair.startsWith('$') ? pair : character}`;
    } else if (quote === '"') continue;
    else if (character === '"' || character === "'") quote = character;
    else if (character === '\n') return 'has several lines';
    else if (/^(?:&&|\|\||>>|<<)$/.test(pair)) return `contains ${pair}`;
    else if (/[&|;<>]/.test(character)) return `contains ${character}`;
  }
  if (quote !== undefined) return `has a ${quote} that is not closed`;
  if (/^[A-Za-z_]\w*=/.test(text)) return 'begins with a variable';
  return undefined;
}

/** The list form, as YAML. */
function asShellCommand(text: string): string {
  return `[sh, -c, '${text.trim().replaceAll("'", "''").replaceAll('\n', ' && ')}']`;
}
