import { createHash } from 'node:crypto';

const acceptSuffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'; // RFC 6455, section 1.3

/** A WebSocket that sends each short text back. */
export function acceptEcho(request, socket) {
  const key = request.headers['sec-websocket-key'];
  if (!key) return socket.destroy();
  const accept = createHash('sha1')
    .update(key + acceptSuffix)
    .digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  let pending = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    for (let frame = readFrame(pending); frame; frame = readFrame(pending)) {
      pending = pending.subarray(frame.length);
      if (frame.opcode === 8) return socket.end(Buffer.from([0x88, 0]));
      if (frame.opcode === 1) socket.write(Buffer.concat([Buffer.from([0x81, frame.payload.length]), frame.payload]));
    }
  });
}

/** One masked frame of up to 125 bytes, as a browser sends a short message. */
function readFrame(bytes) {
  if (bytes.length < 6) return undefined;
  const size = bytes[1] & 0x7f;
  if (bytes.length < 6 + size) return undefined;
  const mask = bytes.subarray(2, 6);
  const payload = Buffer.from(bytes.subarray(6, 6 + size)).map((byte, index) => byte ^ mask[index % 4]);
  return { opcode: bytes[0] & 0x0f, payload, length: 6 + size };
}
