import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { RecordSet } from '@clusternator/core/provider';
import { decode, encode } from 'dns-packet';
import { DnsServer } from './server.ts';
import { describeWithDig, dig } from './testing/dig.ts';
import { memoryZoneStorage, ZoneStore } from './zones.ts';

const hasSix = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
let port = 0;
let server: DnsServer;
let store: ZoneStore;
const LONG = `v=1; ${'0123456789'.repeat(60)}; "quoted" \\ ä`;

beforeAll(async () => {
  store = await ZoneStore.open(memoryZoneStorage(), () => 1_700_000_000_000);
  await store.ensureZone('shop.test');
  await store.ensureZone('blog.test');
  const set = (name: string, type: RecordSet['type'], ...values: string[]) => ({
    expected: null,
    next: { name, type, ttlSeconds: 30, values },
  });
  await store.change('shop.test', [
    set('shop.test', 'A', '127.64.0.1'),
    set('shop.test', 'MX', '10 mail.shop.test', '20 mail2.shop.test'),
    set('shop.test', 'TXT', LONG),
    set('shop.test', 'CAA', '0 issue "letsencrypt.org"', '128 iodef "mailto:a@b.test"'),
    set('six.shop.test', 'AAAA', '2001:db8::7:0:1', '::ffff:1.2.3.4'),
    set('www.shop.test', 'CNAME', 'edge.shop.test'),
    set('edge.shop.test', 'CNAME', 'shop.test'),
    set('away.shop.test', 'CNAME', 'www.example.com'),
    set('across.shop.test', 'CNAME', 'blog.test'),
    set('dangling.shop.test', 'CNAME', 'nothing.shop.test'),
    set('loop1.shop.test', 'CNAME', 'loop2.shop.test'),
    set('loop2.shop.test', 'CNAME', 'loop1.shop.test'),
    set('*.wild.shop.test', 'A', '127.64.0.2'),
    set('*.wild.shop.test', 'TXT', 'wild'),
    set('there.wild.shop.test', 'TXT', 'there'),
    set('a.b.c.shop.test', 'A', '127.64.0.3'),
    set('_http._tcp.shop.test', 'SRV', '10 5 8080 web.shop.test'),
    set('_443._tcp.shop.test', 'TLSA', `3 1 1 ${'ab'.repeat(32)}`),
    set(
      'svc.shop.test',
      'HTTPS',
      '1 . alpn=h2,h3 port=8443 ipv4hint=127.64.0.1 ipv6hint=2001:db8::1 no-default-alpn',
      '0 edge.shop.test',
    ),
    set('_x.svc.shop.test', 'SVCB', '16 foo.test mandatory=alpn,port alpn=h3 port=1 key667=hello'),
    set('1.0.shop.test', 'PTR', 'host.shop.test'),
    set('alias.shop.test', 'ALIAS', 'www.shop.test'),
    set('outside.shop.test', 'ALIAS', 'elsewhere.example'),
    set('broken.shop.test', 'ALIAS', 'broken.example'),
    set('sub.shop.test', 'NS', 'ns.sub.shop.test'),
    set('ns.sub.shop.test', 'A', '127.64.0.9'),
    set('münchen.shop.test', 'A', '127.64.0.4'),
    set('many.shop.test', 'A', ...Array.from({ length: 200 }, (_, index) => `127.65.0.${String(index)}`)),
  ]);
  await store.change('blog.test', [set('blog.test', 'A', '127.64.1.1')]);
  server = new DnsServer({
    store,
    lookup: async (name, type) => {
      if (name === 'broken.example') return Promise.reject(new Error('no network'));
      return Promise.resolve(type === 'A' ? [{ address: '192.0.2.1', ttl: 7 }] : []);
    },
  });
  ({ port } = await server.listen({ port: 0 }));
});
afterAll(async () => server.close());

describeWithDig('dig', () => {
  test.each<[string, string[]]>([
    ['shop.test A', ['shop.test. 30 IN A 127.64.0.1']],
    ['shop.test MX', ['shop.test. 30 IN MX 10 mail.shop.test.', 'shop.test. 30 IN MX 20 mail2.shop.test.']],
    ['shop.test NS', ['shop.test. 60 IN NS localhost.']],
    ['shop.test SOA', ['shop.test. 60 IN SOA localhost. hostmaster.shop.test. 1700000001 3600 600 604800 5']],
    [
      'shop.test CAA',
      ['shop.test. 30 IN CAA 0 issue "letsencrypt.org"', 'shop.test. 30 IN CAA 128 iodef "mailto:a@b.test"'],
    ],
    ['six.shop.test AAAA', ['six.shop.test. 30 IN AAAA 2001:db8::7:0:1', 'six.shop.test. 30 IN AAAA ::ffff:1.2.3.4']],
    ['_http._tcp.shop.test SRV', ['_http._tcp.shop.test. 30 IN SRV 10 5 8080 web.shop.test.']],
    ['1.0.shop.test PTR', ['1.0.shop.test. 30 IN PTR host.shop.test.']],
    ['xn--mnchen-3ya.shop.test A', ['xn--mnchen-3ya.shop.test. 30 IN A 127.64.0.4']],
    ['a.b.c.shop.test A', ['a.b.c.shop.test. 30 IN A 127.64.0.3']],
    ['shop.test ANY', ['shop.test. 3600 IN HINFO "RFC8482" ""']],
    [
      'svc.shop.test HTTPS',
      [
        'svc.shop.test. 30 IN HTTPS 1 . alpn="h2,h3" no-default-alpn port=8443 ipv4hint=127.64.0.1 ipv6hint=2001:db8::1',
        'svc.shop.test. 30 IN HTTPS 0 edge.shop.test.',
      ],
    ],
    [
      '_x.svc.shop.test SVCB',
      ['_x.svc.shop.test. 30 IN SVCB 16 foo.test. mandatory=alpn,port alpn="h3" port=1 key667="hello"'],
    ],
    ['_443._tcp.shop.test TLSA', [`_443._tcp.shop.test. 30 IN TLSA 3 1 1 ${'AB'.repeat(28)} ${'AB'.repeat(4)}`]],
  ])('%s', async (question, answer) => {
    for (const over of ['+notcp', '+tcp']) {
      const dug = await dig(port, ...question.split(' '), over);
      expect(dug).toMatchObject({ status: 'NOERROR', flags: ['qr', 'aa', 'rd'] });
      expect(dug.answer.toSorted()).toEqual(answer.toSorted());
    }
  });

  test('text over 255 bytes comes in parts that join to the whole', async () => {
    const { answer } = await dig(port, 'shop.test', 'TXT', '+short');
    expect(answer).toEqual([]);
    const reply = decode(await askUdp(query('shop.test', 'TXT')));
    const [record] = reply.answers ?? [];
    const parts = record?.type === 'TXT' ? [record.data].flat().map((part) => Buffer.from(part)) : [];
    expect(parts.map(({ length }) => length)).toEqual([255, 255, Buffer.byteLength(LONG) - 510]);
    expect(Buffer.concat(parts).toString()).toBe(LONG);
  });

  test.each<[string, string[]]>([
    [
      'www.shop.test',
      [
        'www.shop.test. 30 IN CNAME edge.shop.test.',
        'edge.shop.test. 30 IN CNAME shop.test.',
        'shop.test. 30 IN A 127.64.0.1',
      ],
    ],
    ['away.shop.test', ['away.shop.test. 30 IN CNAME www.example.com.']],
    ['across.shop.test', ['across.shop.test. 30 IN CNAME blog.test.', 'blog.test. 30 IN A 127.64.1.1']],
    [
      'loop1.shop.test',
      ['loop1.shop.test. 30 IN CNAME loop2.shop.test.', 'loop2.shop.test. 30 IN CNAME loop1.shop.test.'],
    ],
    ['alias.shop.test', ['alias.shop.test. 30 IN A 127.64.0.1']],
    ['outside.shop.test', ['outside.shop.test. 7 IN A 192.0.2.1']],
    ['x.wild.shop.test', ['x.wild.shop.test. 30 IN A 127.64.0.2']],
    ['y.x.wild.shop.test', ['y.x.wild.shop.test. 30 IN A 127.64.0.2']],
  ])('the chain from %s', async (name, answer) => {
    expect(await dig(port, name, 'A')).toMatchObject({ status: 'NOERROR', answer });
  });

  test.each([
    ['a name that is there, without such a record', 'six.shop.test A', 'NOERROR'],
    ['a name between names', 'b.c.shop.test A', 'NOERROR'],
    ['a type nobody has', 'shop.test TYPE999', 'NOERROR'],
    ['a name that is not there', 'nothing.shop.test A', 'NXDOMAIN'],
    ['a name below one that is', 'x.six.shop.test A', 'NXDOMAIN'],
    ['a name where the wildcard is hidden by one that is there', 'there.wild.shop.test A', 'NOERROR'],
    ['a name below one that hides the wildcard', 'x.there.wild.shop.test A', 'NXDOMAIN'],
    ['a wildcard without such a record', 'x.wild.shop.test MX', 'NOERROR'],
    ['a chain that ends in nothing', 'dangling.shop.test A', 'NXDOMAIN'],
    ['an alias without such an address', 'alias.shop.test AAAA', 'NOERROR'],
    ['an alias asked for something else', 'alias.shop.test MX', 'NOERROR'],
    ['ANY of a name that is not there', 'nothing.shop.test ANY', 'NXDOMAIN'],
  ])('%s', async (_, question, status) => {
    const dug = await dig(port, ...question.split(' '));
    expect(dug).toMatchObject({ status, flags: ['qr', 'aa', 'rd'] });
    expect(dug.answer.filter((line) => !line.includes('CNAME'))).toEqual([]);
    expect(dug.authority).toEqual([expect.stringMatching(/^shop\.test\. 5 IN SOA /)]);
  });

  test.each(['example.com A', 'test A', 'xshop.test A', '. NS', 'version.bind TXT CH'])(
    '%s is refused',
    async (question) => {
      const dug = await dig(port, ...question.split(' '));
      expect(dug).toMatchObject({ status: 'REFUSED', flags: ['qr', 'rd'], answer: [], authority: [] });
    },
  );

  test('zones are not handed out whole', async () => {
    expect((await dig(port, 'shop.test', 'AXFR')).text).toContain('Transfer failed');
  });

  test('an alias that can not be looked up is an error, not a no', async () => {
    expect(await dig(port, 'broken.shop.test', 'A')).toMatchObject({ status: 'SERVFAIL', answer: [] });
  });

  test('what another server is named for is left to it', async () => {
    const dug = await dig(port, 'deep.sub.shop.test', 'A');
    expect(dug).toMatchObject({
      status: 'NOERROR',
      flags: ['qr', 'rd'],
      answer: [],
      authority: ['sub.shop.test. 30 IN NS ns.sub.shop.test.'],
      additional: ['ns.sub.shop.test. 30 IN A 127.64.0.9'],
    });
  });

  test('case does not count and comes back as it was asked', async () => {
    const dug = await dig(port, 'sHoP.TeSt', 'A');
    expect(dug.answer).toEqual(['sHoP.TeSt. 30 IN A 127.64.0.1']);
    expect(dug.text).toContain(';sHoP.TeSt.');
  });

  test('what does not fit is truncated over UDP and whole over TCP', async () => {
    const small = await dig(port, 'many.shop.test', 'A', '+noedns', '+ignore');
    expect(small).toMatchObject({ flags: ['qr', 'aa', 'tc', 'rd'], answer: [] });
    const retried = await dig(port, 'many.shop.test', 'A');
    expect(retried.answer).toHaveLength(200);
    expect(retried.text).toContain('(TCP)');
  });

  test('EDNS is answered with EDNS, an unknown version with BADVERS', async () => {
    expect((await dig(port, 'shop.test', 'A', '+bufsize=4096')).text).toContain('EDNS: version: 0, flags:; udp: 1232');
    expect((await dig(port, 'shop.test', 'A', '+noedns')).text).not.toContain('EDNS');
    expect((await dig(port, 'shop.test', 'A', '+edns=1', '+noednsnegotiation')).status).toBe('BADVERS');
  });

  test('other opcodes are not implemented', async () => {
    expect((await dig(port, 'shop.test', 'SOA', '+opcode=NOTIFY')).status).toBe('NOTIMP');
    expect((await dig(port, 'shop.test', 'SOA', '+opcode=UPDATE')).status).toBe('NOTIMP');
  });

  test('a change is seen by the next query', async () => {
    const next: RecordSet = { name: 'new.shop.test', type: 'A', ttlSeconds: 0, values: ['127.64.0.5'] };
    await store.change('shop.test', [{ expected: null, next }]);
    expect((await dig(port, 'new.shop.test')).answer).toEqual(['new.shop.test. 0 IN A 127.64.0.5']);
    await store.change('shop.test', [{ expected: next, next: null }]);
    expect((await dig(port, 'new.shop.test')).status).toBe('NXDOMAIN');
  });
});

describe('the wire', () => {
  test('garbage gets FORMERR or silence, and the server lives on', async () => {
    const whole = query('shop.test', 'A');
    const garbage = [
      Buffer.alloc(0),
      Buffer.from('x'),
      Buffer.alloc(12),
      Buffer.concat([whole.subarray(0, 12), Buffer.alloc(500, 0xff)]),
      Buffer.concat([whole.subarray(0, 12), Buffer.from([0xc0, 0x0c, 0, 1, 0, 1])]),
      whole.subarray(0, whole.length - 1),
      withCounts(whole, 1, 65_535),
      withCounts(whole, 2, 0),
      withCounts(whole, 0, 0),
      ...Array.from({ length: 300 }, (_, seed) => scrambled(whole, seed)),
    ];
    const socket = createSocket('udp4');
    for (const bytes of garbage) socket.send(bytes, port, '127.0.0.1');
    socket.close();
    for (const bytes of [
      whole.subarray(0, whole.length - 1),
      withCounts(whole, 1, 65_535),
      withCounts(whole, 2, 0),
      withCounts(whole, 0, 0),
    ]) {
      const reply = await askUdp(bytes);
      expect(reply.readUInt16BE(2) & 0x800f).toBe(0x8001);
      expect(reply.readUInt16BE(0)).toBe(bytes.readUInt16BE(0));
    }
    expect(decode(await askUdp(whole)).answers).toHaveLength(1);
  });

  test('a label with a dot in it is not two labels', async () => {
    const name = Buffer.concat([Buffer.from([9]), Buffer.from('shop.test'), Buffer.from([0])]);
    const bytes = Buffer.concat([query('x', 'A').subarray(0, 12), name, Buffer.from([0, 1, 0, 1])]);
    bytes.writeUInt16BE(0, 10);
    expect((await askUdp(bytes)).readUInt16BE(2) & 0xf).toBe(5);
  });

  test('an answer is never answered', async () => {
    const answer = query('shop.test', 'A');
    answer.writeUInt16BE(0x8000, 2);
    const socket = createSocket('udp4');
    const heard: Buffer[] = [];
    socket.on('message', (bytes) => heard.push(bytes));
    socket.send(answer, port, '127.0.0.1');
    const real = query('shop.test', 'A', 77);
    await new Promise<void>((resolve) => {
      socket.on('message', () => {
        resolve();
      });
      socket.send(real, port, '127.0.0.1');
    });
    socket.close();
    expect(heard.map((bytes) => bytes.readUInt16BE(0))).toEqual([77]);
  });

  test('TCP takes many queries at once, cut anywhere', async () => {
    const framed = Buffer.concat(
      ['shop.test', 'six.shop.test', 'many.shop.test', 'nothing.shop.test'].map((name, index) =>
        frame(query(name, 'A', index)),
      ),
    );
    for (const size of [1, 2, 7, framed.length]) {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      const replies = readFrames(socket, 4);
      for (let at = 0; at < framed.length; at += size) {
        await new Promise<void>((resolve) => socket.write(framed.subarray(at, at + size), () => resolve()));
      }
      expect((await replies).map((bytes) => bytes.readUInt16BE(0)).toSorted()).toEqual([0, 1, 2, 3]);
      socket.destroy();
    }
  });

  test('a TCP message of no or of few bytes ends the connection', async () => {
    for (const bytes of [Buffer.from([0, 0]), Buffer.from([0, 3, 1, 2, 3])]) {
      const socket = connect({ port, host: '127.0.0.1' });
      socket.write(bytes);
      socket.resume();
      await new Promise((resolve) => socket.once('close', resolve));
      expect(socket.bytesRead).toBe(0);
    }
  });

  test('it listens on loopback only, in both families where this machine has them', async () => {
    const other = new DnsServer({ store });
    const { port: own, addresses } = await other.listen({ port: 0 });
    expect(addresses).toEqual(['127.0.0.1', ...(hasSix ? ['::1'] : [])]);
    for (const address of addresses) {
      const socket = createSocket(address === '::1' ? 'udp6' : 'udp4');
      const reply = new Promise<Buffer>((resolve) => socket.once('message', resolve));
      socket.send(query('shop.test', 'A'), own, address);
      expect(decode(await reply).answers).toMatchObject([{ name: 'shop.test', data: '127.64.0.1' }]);
      socket.close();
      const stream = connect({ port: own, host: address });
      const bytes = query('shop.test', 'A');
      stream.write(Buffer.from([0, bytes.length, ...bytes]));
      const framed = await new Promise<Buffer>((resolve) => stream.once('data', resolve));
      expect(decode(framed.subarray(2)).answers).toMatchObject([{ data: '127.64.0.1' }]);
      stream.destroy();
    }
    await other.close();
  });

  test('a port that is taken in one family is taken', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen({ port: 0, host: hasSix ? '::1' : '127.0.0.1' }, resolve));
    const taken = (holder.address() as AddressInfo).port; // a TCP server that listens has one
    const other = new DnsServer({ store });
    await expect(other.listen({ port: taken })).rejects.toMatchObject({ code: 'conflict' });
    expect((await other.listen({ from: taken, to: taken + 20 })).port).toBeGreaterThan(taken);
    await other.close();
    await new Promise((resolve) => holder.close(resolve));
  });

  test('a taken port is told', async () => {
    const other = new DnsServer({ store });
    await expect(other.listen({ port })).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(String(port)),
    });
    const found = await other.listen({ from: port, to: port + 20 });
    expect(found.port).toBeGreaterThan(port);
    await other.close();
  });
});

function query(name: string, type: 'A' | 'TXT', id = 4711): Buffer {
  return encode({
    type: 'query',
    id,
    questions: [{ name, type }],
    additionals: [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: 4096,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      },
    ],
  });
}

function withCounts(bytes: Buffer, questions: number, answers: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt16BE(questions, 4);
  copy.writeUInt16BE(answers, 6);
  return copy;
}

/** Each seed breaks other bytes. */
function scrambled(bytes: Buffer, seed: number): Buffer {
  const copy = Buffer.from(bytes);
  for (let i = 0; i < 4; i++) copy[(seed * 7 + i * 13) % copy.length] = (seed * 31 + i * 101) & 0xff;
  return copy;
}

async function askUdp(bytes: Buffer): Promise<Buffer> {
  const socket = createSocket('udp4');
  try {
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error('no answer'));
      }, 3000);
      socket.once('message', (reply) => {
        clearTimeout(timer);
        resolve(reply);
      });
      socket.send(bytes, port, '127.0.0.1');
    });
  } finally {
    socket.close();
  }
}

function frame(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

async function readFrames(socket: AsyncIterable<Buffer>, count: number): Promise<Buffer[]> {
  const frames: Buffer[] = [];
  let all = Buffer.alloc(0);
  for await (const chunk of socket) {
    all = Buffer.concat([all, chunk]);
    while (all.length >= 2 && all.length >= 2 + all.readUInt16BE(0)) {
      frames.push(all.subarray(2, 2 + all.readUInt16BE(0)));
      all = all.subarray(2 + all.readUInt16BE(0));
    }
    if (frames.length >= count) return frames;
  }
  return frames;
}
