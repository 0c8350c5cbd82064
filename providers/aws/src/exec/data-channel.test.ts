import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { WebSocketServer, type WebSocket } from 'ws';
import { encodeMessage, PAYLOAD } from './agent-message.ts';
import { DataChannel, type ChannelEnd, type StreamPlace } from './data-channel.ts';

let server: WebSocketServer;
afterEach(async () => {
  for (const client of server.clients) client.terminate();
  server.close();
  await once(server, 'close');
});

const SILENCE_MILLISECONDS = 50;

/** Where somebody takes connections, and does that. */
async function placeOf(take: (socket: WebSocket) => void): Promise<StreamPlace> {
  server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  server.on('connection', take);
  const { port } = server.address() as AddressInfo; // a TCP server's address is an object
  return { streamUrl: `ws://127.0.0.1:${String(port)}`, tokenValue: 'token' };
}

/** @returns How a channel ends to which nothing that counts is said. */
async function endOf(say: string | undefined): Promise<ChannelEnd> {
  const place = await placeOf((socket) => {
    if (say !== undefined) socket.send(Buffer.from(say));
  });
  return new Promise((ended) => {
    new DataChannel(place, { output: () => undefined, ended }, SILENCE_MILLISECONDS);
  });
}

test('an agent that takes the connection and says nothing is lost, and nobody waits for it', async () => {
  expect(await endOf(undefined)).toEqual({ kind: 'lost', reason: 'the agent does not answer' });
});

test('one that says what no agent says is refused', async () => {
  expect(await endOf('hello')).toMatchObject({ kind: 'refused' });
});

test('one that begins without a handshake is there, however long it says no more', async () => {
  const said = (sequence: number, text: string): Buffer =>
    encodeMessage({
      type: 'output_stream_data',
      ...{ sequence, flags: 0, payloadType: PAYLOAD.bytes, payload: Buffer.from(text) },
    });
  const place = await placeOf((socket) => {
    socket.send(said(0, 'begun'));
    setTimeout(() => socket.send(said(1, 'done')), 4 * SILENCE_MILLISECONDS);
  });
  const heard: unknown[] = [];
  await new Promise<void>((resolve) => {
    const take = (what: unknown): void => {
      heard.push(what);
      if (heard.length === 2) resolve();
    };
    new DataChannel(place, { output: (bytes) => take(bytes.toString()), ended: take }, SILENCE_MILLISECONDS);
  });
  expect(heard).toEqual(['begun', 'done']);
});
