/**
 * How Route 53 writes names and texts.
 * @see https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html
 * @see https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/ResourceRecordTypes.html#TXTFormat
 */

/** Of one text of a TXT record: in bytes. */
const PIECE_BYTES = 255;

/** `\052.shop.example.` is `*.shop.example`. */
export function readName(name: string): string {
  return unescape(name.replace(/\.$/, ''));
}

/** `"a" "b"` is `ab`. */
export function readText(value: string): string {
  const pieces = [...value.matchAll(/"((?:[^"\\]|\\.)*)"/gs)].map(([, piece = '']) => piece);
  return unescape((pieces.length === 0 ? [value] : pieces).join(''));
}

/** In pieces of 255 bytes; what is not printable ASCII goes as octal digits. */
export function writeText(text: string): string {
  const bytes = Buffer.from(text, 'utf8');
  const pieces = Array.from({ length: Math.max(1, Math.ceil(bytes.length / PIECE_BYTES)) }, (_, at) =>
    bytes.subarray(at * PIECE_BYTES, (at + 1) * PIECE_BYTES),
  );
  return pieces.map((piece) => `"${[...piece].map(writeByte).join('')}"`).join(' ');
}

function writeByte(byte: number): string {
  const character = String.fromCharCode(byte);
  if (character === '"' || character === '\\') return `\\${character}`;
  if (byte >= 0x20 && byte < 0x7f) return character;
  return `\\${byte.toString(8).padStart(3, '0')}`;
}

/** Escaped bytes are of UTF-8; what is not escaped may be any text. */
function unescape(text: string): string {
  const bytes: Buffer[] = [];
  for (const [, octal, character, plain = ''] of text.matchAll(/\\([0-7]{3})|\\(.)|([^\\]+)/gs)) {
    if (octal !== undefined) bytes.push(Buffer.from([Number.parseInt(octal, 8)]));
    else bytes.push(Buffer.from(character ?? plain, 'utf8'));
  }
  return Buffer.concat(bytes).toString('utf8');
}
