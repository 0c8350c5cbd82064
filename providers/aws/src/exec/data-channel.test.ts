import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { WebSocketServer } from 'ws';
import { DataChannel, type ChannelEnd } from './data-channel.ts';

let server: WebSocketServer;
afterEach(async () => {
  for (const client of server.clients) client.terminate();
  server.close();
  await once(server, 'close');
});

/** @returns How a channel ends to which nothing that counts is said. */
async function endOf(say: string | undefined): Promise<ChannelEnd> {
  server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  server.on('connection', (socket) => {
    if (say !== undefined) socket.send(Buffer.from(say));
  });
  const { port } = server.address() as AddressInfo; // a TCP server's address is an object
  const place = { streamUrl: `ws://127.0.0.1:${String(port)}`, tokenValue: 'token' };
  return new Promise((ended) => {
    new DataChannel(place, { ready: () => undefined, output: () => undefined, ended }, 50);
  });
}

test('an agent that takes the connection and says nothing is lost, and nobody waits for it', async () => {
  expect(await endOf(undefined)).toEqual({ kind: 'lost', reason: 'the agent does not answer' });
});

test('one that says what no agent says is refused', async () => {
  expect(await endOf('hello')).toMatchObject({ kind: 'refused' });
});
