import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

/**
 * Whoever asks hangs up, and its connection is broken off in the same turn of the event loop, before the end that answers it has gone out:
 * a process that is killed hangs up and is seen to be dead at once. Here another connection that ends stands for its death.
 */
const PROGRAM = `
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { faultProxy } from './fault-proxy.ts';
import { listening } from './upstream.ts';
import { Wire } from './wire.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'kit-ends-'));
const wire = new Wire();
const proxy = await faultProxy(wire, { url: 'http://127.0.0.1:9' }, folder);
const bystanders = net.createServer();
await listening(bystanders, { port: 0 });

const client = net.connect(Number(new URL(proxy.front.url).port), '127.0.0.1');
const other = net.connect(bystanders.address().port, '127.0.0.1');
const [seen] = await once(bystanders, 'connection');
seen.resume();
const isGone = new Promise((resolve) => client.once('close', resolve));
wire.onMutations({ kind: 'interrupt', at: 'before', act: async () => {
  client.end();
  other.end();
  await once(seen, 'end');
} }, 1);
client.on('error', () => {}).resume().write('PUT / HTTP/1.1\\r\\nhost: kit\\r\\ncontent-length: 0\\r\\n\\r\\n');
await isGone;
await proxy.close();
bystanders.close();
rmSync(folder, { recursive: true });
console.log('closed');
`;

test('a process whose proxy broke a connection off ends by itself', async () => {
  const flags = ['--experimental-transform-types', '--no-warnings', '--input-type=module-typescript'];
  const ended = promisify(execFile)(process.execPath, [...flags, '-e', PROGRAM], {
    cwd: path.resolve(import.meta.dirname),
    timeout: 30_000,
    killSignal: 'SIGKILL', // what has no end does not listen to anything else
  });
  await expect(ended).resolves.toMatchObject({ stdout: 'closed\n' });
}, 40_000);
