/** Makes the change of a diff block: its lines with a minus and those around them become those with a plus. */
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';

const [file] = process.argv.slice(2);
const lines = readFileSync(0, 'utf8').trimEnd().split('\n');
const side = (other) =>
  lines
    .filter((line) => !line.startsWith(other))
    .map((line) => `${line.slice(1)}\n`)
    .join('');
const text = readFileSync(file, 'utf8');
const [old, next] = [side('+'), side('-')];
if (text.split(old).length !== 2) throw new Error(`${file} does not have this once:\n${old}`);
writeFileSync(
  file,
  text.replace(old, () => next),
);
