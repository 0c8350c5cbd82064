/**
 * The authoritative servers of Route 53, which no emulator has: answers from hosted zones, as the public interface lists them. It knows
 * nothing of Clusternator.
 * @see https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/ResourceRecordTypes.html
 * @see https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import {
  ListHostedZonesCommand,
  ListResourceRecordSetsCommand,
  type ResourceRecordSet,
  type Route53Client,
} from '@aws-sdk/client-route-53';
import { decode, encode, type Answer, type Question } from 'dns-packet';

const AUTHORITATIVE = 1 << 10;
const NO_SUCH_NAME = 3;
/** Node asks with a small buffer, and gets what does not fit by TCP, which this does not speak. */
const ALIASES_DEEP = 8;

/** Where it listens, on UDP. */
export interface DnsServer {
  readonly port: number;
  end(): Promise<void>;
}

/** Serves all hosted zones of an account, each answer read anew. */
export async function serveHostedZones(client: Route53Client): Promise<DnsServer> {
  const socket = createSocket('udp4');
  socket.on('message', (message, { address, port }) => {
    void answer(client, message).then(
      (reply) => {
        socket.send(reply, port, address);
      },
      () => undefined, // as a server that is down
    );
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    port: socket.address().port,
    async end() {
      socket.close();
      await once(socket, 'close');
    },
  };
}

async function answer(client: Route53Client, message: Buffer): Promise<Buffer> {
  const { id = 0, questions = [] } = decode(message);
  const [question] = questions;
  if (!question) throw new Error('no question');
  const sets = await allSets(client);
  const found = answersTo(question, sets);
  const isKnown = sets.some(({ Name = '' }) => matches(nameOf(Name), question.name.toLowerCase()));
  const flags = AUTHORITATIVE | (isKnown ? 0 : NO_SUCH_NAME);
  return encode({ type: 'response', id, flags, questions, answers: [...found] });
}

async function allSets(client: Route53Client): Promise<readonly ResourceRecordSet[]> {
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

function answersTo({ name, type }: Question, sets: readonly ResourceRecordSet[]): readonly Answer[] {
  const exact = sets.filter(({ Name = '' }) => nameOf(Name) === name.toLowerCase());
  const there = exact.length > 0 ? exact : sets.filter(({ Name = '' }) => matches(nameOf(Name), name.toLowerCase()));
  const set = there.find(({ Type }) => Type === type) ?? there.find(({ Type }) => Type === 'CNAME');
  if (!set) return [];
  const { Type = 'A', TTL: ttl = 60, ResourceRecords = [] } = resolved(set, sets);
  // The type says which data belongs to it, and what is in a zone was checked by the service.
  return ResourceRecords.map(({ Value = '' }) => ({ name, type: Type, ttl, data: dataOf(Type, Value) }) as Answer);
}

/** The set that an alias leads to. */
function resolved(set: ResourceRecordSet, sets: readonly ResourceRecordSet[]): ResourceRecordSet {
  let at = set;
  for (let deep = 0; at.AliasTarget && deep < ALIASES_DEEP; deep += 1) {
    const target = nameOf(at.AliasTarget.DNSName ?? '');
    at = sets.find(({ Name = '', Type }) => nameOf(Name) === target && Type === set.Type) ?? {
      ...set,
      AliasTarget: undefined,
    };
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
