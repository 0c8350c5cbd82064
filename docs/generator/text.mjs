/** Text for a cell of a table. */
export function cell(text) {
  return prose(text.replaceAll('|', '\\|').replaceAll('\n', ' '));
}

/** A `<` outside of code would begin an element. */
export function prose(text) {
  return text
    .split('`')
    .map((piece, at) => (at % 2 === 0 ? piece.replaceAll('<', '&lt;') : piece))
    .join('`');
}
