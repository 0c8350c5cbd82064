const REPLACEMENT = Buffer.from('\u{FFFD}');
const LONGEST = 4;

/**
 * The agent goes through what a terminal gives a character at a time. One that is not whole waits for more, and of U+FFFD, which it takes for
 * a byte that is none, only the first byte goes on.
 * @see https://github.com/aws/amazon-ssm-agent/blob/mainline/agent/session/shell/shell.go (processStdoutData)
 */
export class AgentText {
  #rest = Buffer.alloc(0);

  pass(chunk: Buffer): Buffer {
    const all = Buffer.concat([this.#rest, chunk]);
    const parts: Buffer[] = [];
    let at = 0;
    while (at < all.length) {
      const length = characterAt(all, at);
      if (length === 0 || all.subarray(at, at + length).equals(REPLACEMENT)) {
        if (all.length - at < LONGEST) break;
        parts.push(all.subarray(at, at + 1));
        at += length || 1;
      } else {
        parts.push(all.subarray(at, at + length));
        at += length;
      }
    }
    this.#rest = Buffer.from(all.subarray(at));
    return Buffer.concat(parts);
  }
}

/** How many bytes it has; 0 where there is none. */
function characterAt(bytes: Buffer, at: number): number {
  const first = bytes[at] ?? 0;
  const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (length === 1) return 1;
  const character = bytes.subarray(at, at + length);
  return character.length === length && Buffer.from(character.toString()).equals(character) ? length : 0;
}
