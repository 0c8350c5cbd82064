/** A process that writes to a store until it is killed, or once: `writer.ts <file> race <name>` or `writer.ts <file> pairs`. */
import { ProviderError } from '../../provider/error.ts';
import { openSqliteStore } from '../sqlite.ts';
import { testCall } from './call.ts';

const [file = '', mode = '', name = ''] = process.argv.slice(2);
const store = openSqliteStore(file);
const call = testCall();
const print = (line: string) => process.stdout.write(`${line}\n`);

if (mode === 'race') await race();
else if (mode === 'count') await count();
else if (mode === 'fill') await fill();
else await pairs();

/** Waits for the word, then tries to be the one that made the document. */
async function race(): Promise<void> {
  print('ready');
  await new Promise((resolve) => process.stdin.once('data', resolve));
  process.stdin.unref();
  try {
    await store.put('slot/master', JSON.stringify({ name }), null, call);
    print('won');
  } catch (error) {
    print(ProviderError.is(error) ? error.code : String(error));
  }
}

/** Adds one a hundred times, by compare-and-swap. */
async function count(): Promise<void> {
  for (let done = 0; done < 100;) {
    const found = await store.get('count', call);
    try {
      await store.put('count', String(Number(found?.value ?? 0) + 1), found?.revision ?? null, call);
      done++;
    } catch (error) {
      if (!ProviderError.is(error) || error.code !== 'conflict') throw error;
    }
  }
}

/** Writes until the disk is full. */
async function fill(): Promise<void> {
  let written = 0;
  try {
    for (;;) await store.put(`env/${String(written++).padStart(5, '0')}`, 'x'.repeat(20_000), null, call);
  } catch (error) {
    const kept = await store.get('env/00000', call);
    print(ProviderError.is(error) ? `${error.code} ${error.effect} ${kept?.value.length}` : String(error));
  }
}

/** `b` is always written after `a`, with the same number, and told only then. */
async function pairs(): Promise<void> {
  for (let at = 1; ; at++) {
    for (const key of ['a', 'b']) {
      const found = await store.get(key, call);
      await store.put(key, JSON.stringify({ at, filler: 'x'.repeat(at % 5000) }), found?.revision ?? null, call);
    }
    print(String(at));
  }
}
