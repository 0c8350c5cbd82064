import { expect, test } from '@jest/globals';
import { decodeMessage, encodeMessage } from './agent-message.ts';

const MESSAGE = {
  type: 'input_stream_data',
  sequence: 7,
  flags: 1,
  id: '00010203-0405-4607-8809-0a0b0c0d0e0f',
  payloadType: 1,
  payload: Buffer.from('héllo\0'),
};

test('a message comes back as it was', () => {
  expect(decodeMessage(encodeMessage(MESSAGE))).toEqual(MESSAGE);
});

test('its fields are where AWS has them', () => {
  const bytes = encodeMessage(MESSAGE);
  expect(bytes.readUInt32BE(0)).toBe(116);
  expect(bytes.toString('latin1', 4, 36)).toBe('input_stream_data'.padEnd(32));
  expect(bytes.readUInt32BE(36)).toBe(1);
  expect(bytes.readBigInt64BE(48)).toBe(7n);
  expect(bytes.toString('hex', 64, 80)).toBe('88090a0b0c0d0e0f0001020304054607');
  expect(bytes.readUInt32BE(116)).toBe(MESSAGE.payload.length);
});

test.each<[string, (bytes: Buffer) => Buffer]>([
  ['a wrong digest', (bytes) => (bytes.writeUInt8((bytes[80] ?? 0) ^ 1, 80), bytes)],
  ['another payload', (bytes) => (bytes.writeUInt8((bytes[120] ?? 0) ^ 1, 120), bytes)],
  ['less than it says', (bytes) => bytes.subarray(0, -1)],
  ['no whole header', (bytes) => bytes.subarray(0, 100)],
])('one with %s is none', (_, spoil) => {
  expect(() => decodeMessage(spoil(encodeMessage(MESSAGE)))).toThrow(/message/);
});
