import { randomBytes } from 'node:crypto';

/**
 * A session runs one line, in a terminal, and tells no exit code. So the line starts a shell with a script of ours that makes the
 * terminal pass everything on as it is, takes the arguments from it (so that no log of AWS has them), and tells the exit code behind the
 * output. What it says beside the output begins with a marker that no one else knows:
 * `<marker>!<program>;` a program is missing, `<marker><` arguments may come, `<marker>>` the command begins, `<marker><exit code>;` it ended.
 * It takes lines: `+<argument>`, `>` for go; then without a terminal of its own `=<input>`, `.` at the end of it, `x` to finish and `!` to end
 * all. Any other line is for nothing but that there is one. Bytes are written as `printf %b` reads them.
 */
export type Line =
  | { readonly kind: 'argument' | 'input'; readonly bytes: Uint8Array }
  | { readonly kind: 'go' | 'end of input' | 'finish' | 'abort' | 'nothing' };

const LETTERS: Readonly<Record<Line['kind'], string>> = {
  argument: '+',
  input: '=',
  go: '>',
  'end of input': '.',
  finish: 'x',
  abort: '!',
  nothing: '~',
};

const PROGRAMS = 'for u in stty tee wc;do command -v $u >/dev/null||{ printf "%s!%s;" "$m" $u;exit;};done';
const ARGUMENTS =
  'set --;g=;while IFS= read -r l;do case $l in +*)v=$(printf %b. "${l#+}");set -- "$@" "${v%.}";;">")g=1;break;;esac;done;[ $g ]||exit';
const PREAMBLE = `m=$1;${PROGRAMS};s=$(stty -g);stty raw -echo;printf "%s<" "$m";${ARGUMENTS}`;

/** A shell that waits for a command takes no key for itself. */
const IN_TERMINAL = `${PREAMBLE};stty "$s";trap : INT QUIT;printf "%s>" "$m";(exec "$@");printf "%s%s;" "$m" $?`;

/** Reads on when nobody takes the input any more: what ends the session has to come through. At a hang-up nothing stays behind. */
const INPUT =
  'trap "" PIPE HUP;while IFS= read -r l<&3;do case $l in =*)printf %b "${l#=}" 2>/dev/null;;.)exec >/dev/null;;x)exit;;!)break;;esac;done;trap "" TERM;kill -HUP 0;kill -TERM 0;sleep 2;kill -KILL 0';
const COMMAND = '(exec "$@" 2>&1 3<&- 4>&- 5>&-);printf "%s%s;" "$m" $?';
/** The output is counted, since the agent does not pass all on: it spoils the character U+FFFD. */
const PIPED = `${PREAMBLE};exec 3<&0 4>&1;printf "%s>" "$m";{ { ${INPUT};}|{ ${COMMAND};}|tee /dev/fd/5 >&4;} 5>&1|wc -c >&4`;

export function newMarker(): string {
  return randomBytes(16).toString('hex');
}

/** ExecuteCommand splits it as a shell does, and a shell on a machine reads it. */
export function commandLine(marker: string, hasTerminal: boolean): string {
  return `/bin/sh -c '${hasTerminal ? IN_TERMINAL : PIPED}' sh ${marker}`;
}

export function encodeLine(line: Line): Buffer {
  const text = 'bytes' in line ? escaped(line.bytes) : '';
  return Buffer.from(`${LETTERS[line.kind]}${text}\n`);
}

function escaped(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x5c;
    text += isPlain ? String.fromCharCode(byte) : `\\0${byte.toString(8).padStart(3, '0')}`;
  }
  return text;
}
