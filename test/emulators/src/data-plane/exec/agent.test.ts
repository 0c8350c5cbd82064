import { describe, expect, test } from '@jest/globals';
import { AgentChannel, type Faults } from './agent-channel.ts';
import { readMessage, writeMessage, type ChannelMessage } from './agent-message.ts';
import { AgentText } from './agent-text.ts';
import { wordsOf } from './words.ts';

describe('words', () => {
  test.each<[string, readonly string[]]>([
    ['/bin/sh -c \'echo "a b"\' sh', ['/bin/sh', '-c', 'echo "a b"', 'sh']],
    [`a\\ b "c \\"d" '' e'f'"g" # no more`, ['a b', 'c "d', '', 'efg']],
    [`'it'\\''s'`, ["it's"]],
  ])('%s', (line, words) => {
    expect(wordsOf(line)).toEqual(words);
  });

  test('a quote has to end', () => {
    expect(() => wordsOf("a 'b")).toThrow('closing quote');
  });
});

describe('text', () => {
  const through = (chunks: readonly Buffer[]): Buffer => {
    const text = new AgentText();
    return Buffer.concat(chunks.map((chunk) => text.pass(chunk)));
  };

  test('characters and other bytes go through, however they are cut', () => {
    const all = Buffer.concat([Buffer.from('aé漢😀'), Buffer.from([0xff, 0xc3, 0x28, 0x80]), Buffer.from(' end ')]);
    for (const size of [1, 2, 3, 5, 100]) {
      const chunks = Array.from({ length: Math.ceil(all.length / size) }, (_, at) =>
        all.subarray(at * size, (at + 1) * size),
      );
      expect(through(chunks)).toEqual(all);
    }
  });

  test('of U+FFFD the first byte is left, and what is not whole stays behind', () => {
    expect(through([Buffer.from('a\u{FFFD}b c d')])).toEqual(Buffer.from('61ef622063 2064'.replace(' ', ''), 'hex'));
    expect(through([Buffer.from([0x61, 0xff])])).toEqual(Buffer.from('a'));
  });
});

describe('a channel', () => {
  interface Talk {
    readonly channel: AgentChannel;
    readonly said: ChannelMessage[];
    readonly heard: string[];
    say(sequence: number, payloadType: number, text: string): void;
  }
  const AGREED = JSON.stringify({ ProcessedClientActions: [{ ActionType: 'SessionType', ActionStatus: 1 }] });

  function talk(faults: Faults = {}): Talk {
    const said: ChannelMessage[] = [];
    const heard: string[] = [];
    const channel = new AgentChannel(
      (bytes) => {
        const message = readMessage(bytes);
        if (message) said.push(message);
      },
      {
        start: () => heard.push('start'),
        input: (bytes) => heard.push(bytes.toString()),
        resize: ({ cols, rows }) => heard.push(`${String(cols)}x${String(rows)}`),
        refused: (why) => heard.push(why),
      },
      faults,
    );
    channel.open();
    const say = (sequence: number, payloadType: number, text: string): void =>
      channel.receive(writeMessage('input_stream_data', sequence, payloadType, Buffer.from(text)));
    return { channel, said, heard, say };
  }

  test('begins once the client agrees, and takes its messages in order, each once', () => {
    const { channel, said, heard, say } = talk();
    say(0, 6, AGREED);
    say(2, 1, 'second');
    say(1, 1, 'first');
    say(1, 1, 'first');
    say(3, 3, '{"cols":80,"rows":24}');
    expect(heard).toEqual(['start', 'first', 'second', '80x24']);
    expect(said.filter(({ type }) => type === 'acknowledge')).toHaveLength(4);
    channel.end();
  });

  test('does not take what was broken on the way', () => {
    const { channel, said, heard } = talk();
    const bytes = writeMessage('input_stream_data', 0, 6, Buffer.from(AGREED));
    bytes.writeUInt8((bytes[90] ?? 0) ^ 1, 90);
    channel.receive(bytes);
    expect(heard).toEqual([]);
    expect(said.map(({ type }) => type)).toEqual(['output_stream_data']);
    channel.end();
  });

  test('drops input before the client has agreed, and ends where it does not', () => {
    const { channel, heard, say } = talk();
    say(0, 1, 'too early');
    say(1, 6, JSON.stringify({ ProcessedClientActions: [{ ActionType: 'X', ActionStatus: 2, Error: 'no' }] }));
    expect(heard).toEqual(['X failed on client with status 2 error: no']);
    channel.end();
  });

  test('splits much output, and sends it again until it is acknowledged', async () => {
    const { channel, said, say } = talk();
    say(0, 6, AGREED);
    channel.output(Buffer.alloc(2500, 'x'));
    const lengths = said.filter(({ payloadType }) => payloadType === 1).map(({ payload }) => payload.length);
    expect(lengths).toEqual([1024, 1024, 452]);
    while (channel.resent === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    for (let sequence = 0; sequence < 5; sequence += 1) {
      const content = Buffer.from(JSON.stringify({ AcknowledgedMessageSequenceNumber: sequence }));
      channel.receive(writeMessage('acknowledge', 0, 0, content));
    }
    expect(channel.isDone).toBe(true);
    channel.end();
  });
});
