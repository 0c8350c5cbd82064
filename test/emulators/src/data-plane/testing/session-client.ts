import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import { readMessage, writeMessage, type ChannelMessage } from '../exec/agent-message.ts';

/** Connects as a client of AWS's does. */
export async function openSession(streamUrl: string, TokenValue: string): Promise<WebSocket> {
  const socket = new WebSocket(streamUrl);
  await once(socket, 'open');
  const ids = { RequestId: randomUUID(), ClientId: randomUUID(), ClientVersion: '1.2.0.0' };
  socket.send(JSON.stringify({ MessageSchemaVersion: '1.0', TokenValue, ...ids }));
  return socket;
}

/** What the agent says from now on, each of which is acknowledged. */
export function hear(socket: WebSocket): readonly ChannelMessage[] {
  const heard: ChannelMessage[] = [];
  socket.on('message', (data) => {
    const message = readMessage(data as Buffer); // of a socket whose type of binary nobody changed
    if (!message) return;
    heard.push(message);
    if (message.type !== 'output_stream_data') return;
    const content = { AcknowledgedMessageSequenceNumber: message.sequence };
    socket.send(writeMessage('acknowledge', 0, 0, Buffer.from(JSON.stringify(content))));
  });
  return heard;
}
