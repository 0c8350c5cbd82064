/**
 * The authoritative servers of Route 53, which no emulator has: answers from hosted zones, as the public interface lists them. It knows
 * nothing of Clusternator.
 * @see https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/ResourceRecordTypes.html
 * @see https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import {
  ListHostedZonesCommand,
  ListResourceRecordSetsCommand,
  type ResourceRecordSet,
  type Route53Client,
} from '@aws-sdk/client-route-53';
import { decode, encode, type Answer, type Question } from 'dns-packet';

const AUTHORITATIVE = 1 << 10;
const TRUNCATED = 1 << 9;
const NO_SUCH_NAME = 3;
/** Of UDP without an extension. @see https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4 */
const DATAGRAM_BYTES = 512;
const ALIASES_DEEP = 8;
const LENGTH_BYTES = 2;
const PORT_TRIES = 10;

/** Where it listens, on UDP and on TCP. */
export interface DnsServer {
  readonly port: number;
  end(): Promise<void>;
}

/** The address of a name that is outside of the zones, such as a load balancer's. */
export type AddressOf = (name: string) => string | undefined;

/** Serves all hosted zones of an account, each answer read anew. */
export async function serveHostedZones(
  client: Route53Client,
  addressOf: AddressOf = () => undefined,
): Promise<DnsServer> {
  const reply = async (message: Buffer, isDatagram: boolean) =>
    answer(await recordSets(client), message, addressOf, isDatagram);
  const [tcp, udp] = await bound();
  udp.on('message', (message, { address, port }) => {
    void reply(message, true).then(
      (bytes) => {
        udp.send(bytes, port, address);
      },
      () => undefined, // as a server that is down
    );
  });
  const sockets = new Set<Socket>();
  tcp.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
    let rest = Buffer.alloc(0);
    socket.on('data', (bytes) => {
      rest = Buffer.concat([rest, bytes]);
      while (rest.length >= LENGTH_BYTES && rest.length >= LENGTH_BYTES + rest.readUInt16BE()) {
        const end = LENGTH_BYTES + rest.readUInt16BE();
        const message = rest.subarray(LENGTH_BYTES, end);
        rest = rest.subarray(end);
        void reply(message, false).then(
          (text) => socket.write(framed(text)),
          () => socket.destroy(),
        );
      }
    });
  });
  return {
    port: udp.address().port,
    async end() {
      for (const socket of sockets) socket.destroy();
      udp.close();
      tcp.close();
      await Promise.all([once(udp, 'close'), once(tcp, 'close')]);
    },
  };
}

/** The same port of both. */
async function bound(): Promise<readonly [Server, UdpSocket]> {
  for (let tries = 1; ; tries += 1) {
    const tcp = createServer().listen(0, '127.0.0.1');
    await once(tcp, 'listening');
    const { port } = tcp.address() as AddressInfo; // a TCP server's address is an object
    const udp = createSocket('udp4').bind(port, '127.0.0.1');
    try {
      await once(udp, 'listening');
      return [tcp, udp];
    } catch (error) {
      tcp.close();
      udp.close();
      if (tries === PORT_TRIES) throw error;
    }
  }
}

function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

function answer(
  sets: readonly ResourceRecordSet[],
  message: Buffer,
  addressOf: AddressOf,
  isDatagram: boolean,
): Buffer {
  const { id = 0, questions = [] } = decode(message);
  const [question] = questions;
  if (!question) throw new Error('no question');
  const found = answersTo(question, sets, addressOf);
  const isKnown = found.length > 0 || sets.some(({ Name = '' }) => matches(nameOf(Name), question.name.toLowerCase()));
  const flags = AUTHORITATIVE | (isKnown ? 0 : NO_SUCH_NAME);
  const whole = encode({ type: 'response', id, flags, questions, answers: [...found] });
  if (!isDatagram || whole.length <= DATAGRAM_BYTES) return whole;
  return encode({ type: 'response', id, flags: flags | TRUNCATED, questions });
}

/** The name that is outside of the zones to which a name in them leads, by aliases and CNAMEs; itself where nothing in them leads on. */
export function leadsTo(name: string, sets: readonly ResourceRecordSet[]): string {
  let at = nameOf(name);
  for (let deep = 0; deep < ALIASES_DEEP; deep += 1) {
    const { AliasTarget, Type, ResourceRecords } = setsOf(at, sets).find(isPointer) ?? {};
    const next = AliasTarget?.DNSName ?? (Type === 'CNAME' ? ResourceRecords?.[0]?.Value : undefined);
    if (next === undefined) return at;
    at = nameOf(next);
  }
  return at;
}

function isPointer({ AliasTarget, Type }: ResourceRecordSet): boolean {
  return AliasTarget !== undefined || Type === 'CNAME';
}

/** Of all zones. */
export async function recordSets(client: Route53Client): Promise<readonly ResourceRecordSet[]> {
  const { HostedZones = [] } = await client.send(new ListHostedZonesCommand({}));
  const sets: ResourceRecordSet[] = [];
  for (const { Id: HostedZoneId } of HostedZones) {
    for (let from = {}; ;) {
      const page = await client.send(new ListResourceRecordSetsCommand({ HostedZoneId, ...from }));
      sets.push(...(page.ResourceRecordSets ?? []));
      if (page.IsTruncated !== true) break;
      from = {
        StartRecordName: page.NextRecordName,
        StartRecordType: page.NextRecordType,
        StartRecordIdentifier: page.NextRecordIdentifier,
      };
    }
  }
  return sets;
}

function answersTo(
  { name, type }: Question,
  sets: readonly ResourceRecordSet[],
  addressOf: AddressOf,
): readonly Answer[] {
  const there = setsOf(name.toLowerCase(), sets);
  const set = there.find(({ Type }) => Type === type) ?? there.find(({ Type }) => Type === 'CNAME');
  if (!set) return type === 'A' ? addressAnswer(name, addressOf(nameOf(name))) : [];
  const { Type = 'A', TTL: ttl = 60, ResourceRecords = [], AliasTarget } = resolved(set, sets);
  if (AliasTarget) return type === 'A' ? addressAnswer(name, addressOf(nameOf(AliasTarget.DNSName ?? ''))) : [];
  // The type says which data belongs to it, and what is in a zone was checked by the service.
  const found = ResourceRecords.map(
    ({ Value = '' }) => ({ name, type: Type, ttl, data: dataOf(Type, Value) }) as Answer,
  );
  const target = Type === 'CNAME' && type === 'A' ? nameOf(ResourceRecords[0]?.Value ?? '') : undefined;
  return target === undefined ? found : [...found, ...addressAnswer(target, addressOf(target))];
}

function addressAnswer(name: string, address: string | undefined): readonly Answer[] {
  return address === undefined ? [] : [{ name, type: 'A', ttl: 60, data: address }];
}

/** The sets of exactly that name, or those of a wildcard that covers it. */
function setsOf(name: string, sets: readonly ResourceRecordSet[]): readonly ResourceRecordSet[] {
  const exact = sets.filter(({ Name = '' }) => nameOf(Name) === name);
  return exact.length > 0 ? exact : sets.filter(({ Name = '' }) => matches(nameOf(Name), name));
}

/** The set that an alias leads to; the alias itself, where that is in none of the zones. */
function resolved(set: ResourceRecordSet, sets: readonly ResourceRecordSet[]): ResourceRecordSet {
  let at = set;
  for (let deep = 0; at.AliasTarget && deep < ALIASES_DEEP; deep += 1) {
    const target = nameOf(at.AliasTarget.DNSName ?? '');
    const next = sets.find(({ Name = '', Type }) => nameOf(Name) === target && Type === set.Type);
    if (!next) return at;
    at = next;
  }
  return at;
}

function dataOf(type: string, value: string): unknown {
  if (type === 'TXT') return [...value.matchAll(/"((?:[^"\\]|\\.)*)"/gs)].map(([, piece = '']) => bytesOf(piece));
  if (type === 'MX') {
    const [preference, exchange = ''] = value.split(' ');
    return { preference: Number(preference), exchange: exchange.replace(/\.$/, '') };
  }
  return value.replace(/\.$/, '');
}

/** `\303\266` is two bytes. */
function bytesOf(text: string): Buffer {
  const pieces = [...text.matchAll(/\\([0-7]{3})|\\(.)|([^\\]+)/gs)];
  return Buffer.concat(
    pieces.map(([, octal, escaped, plain = '']) =>
      octal === undefined ? Buffer.from(escaped ?? plain, 'latin1') : Buffer.from([Number.parseInt(octal, 8)]),
    ),
  );
}

function nameOf(name: string): string {
  return bytesOf(name.replace(/\.$/, '')).toString('latin1').toLowerCase();
}

function matches(name: string, asked: string): boolean {
  return name === asked || (name.startsWith('*.') && asked.endsWith(name.slice(1)));
}
