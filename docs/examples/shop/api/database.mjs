import { connect } from 'node:net';
import { createInterface } from 'node:readline';

/** One request on a connection of its own: simple, and nothing to repair after the database was restarted. */
export function ask(request) {
  const { DB_HOST: host = '127.0.0.1', DB_PORT: port = '7432' } = process.env;
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(port), timeout: 5000 }, () =>
      socket.write(`${JSON.stringify(request)}\n`),
    );
    socket.on('error', reject);
    socket.on('timeout', () => socket.destroy(new Error('the database does not answer')));
    createInterface({ input: socket })
      .on('error', () => {}) // told by the socket
      .once('line', (line) => {
        socket.end();
        const { ok, error } = JSON.parse(line);
        if (error) reject(new Error(error));
        else resolve(ok);
      });
  });
}
