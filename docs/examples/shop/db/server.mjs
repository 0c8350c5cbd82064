/** A small database server: SQLite on a volume, one JSON request and one JSON answer a line, over TCP. */
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { DatabaseSync } from 'node:sqlite';

const folder = fileURLToPath(new URL('data/', import.meta.url));
mkdirSync(folder, { recursive: true });
const database = new DatabaseSync(`${folder}/shop.db`);
database.exec(`
  PRAGMA journal_mode = WAL;
  CREATE TABLE IF NOT EXISTS product (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, cents INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS purchase (id INTEGER PRIMARY KEY, product INTEGER NOT NULL REFERENCES product, at TEXT NOT NULL) STRICT;
  INSERT OR IGNORE INTO product (name, cents) VALUES ('bread', 320), ('rye', 410), ('roll', 65);
`);

const requests = {
  products: () => database.prepare('SELECT id, name, cents FROM product ORDER BY id').all(),
  purchases: () =>
    database
      .prepare('SELECT purchase.id, name, at FROM purchase JOIN product ON product.id = product ORDER BY purchase.id')
      .all(),
  buy: ({ product }) => {
    const { lastInsertRowid } = database
      .prepare('INSERT INTO purchase (product, at) VALUES (?, ?)')
      .run(Number(product), new Date().toISOString());
    return { id: Number(lastInsertRowid) };
  },
};

const server = createServer((socket) => {
  socket.on('error', () => socket.destroy());
  createInterface({ input: socket }).on('line', (line) => socket.write(`${answer(line)}\n`));
});
server.listen(Number(process.env.PORT ?? 7432), process.env.HOST ?? '127.0.0.1', () =>
  console.log('the database answers'),
);

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => {
    database.close();
    process.exit(0);
  });
}

function answer(line) {
  try {
    const { do: name, ...values } = JSON.parse(line);
    if (!Object.hasOwn(requests, name)) throw new Error(`no request is called ${name}`);
    return JSON.stringify({ ok: requests[name](values) });
  } catch (error) {
    return JSON.stringify({ error: error.message });
  }
}
