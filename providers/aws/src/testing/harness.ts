import { Resolver } from 'node:dns/promises';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateHostedZoneCommand, Route53Client } from '@aws-sdk/client-route-53';
import type { Account, Harness, Refusals } from '@clusternator/conformance';
import { z } from 'zod';
import { serveHostedZones } from '@clusternator/emulators/route53-dns';
import { dnsCapabilities } from '../dns/capabilities.ts';
import aws from '../index.ts';
import { startEmulator, type EmulatorName } from '@clusternator/emulators/emulator';

const ZONE = 'kit.example';
const BUCKET = 'kit-state';
const REGION = 'us-east-1';
const KEYS = { AWS_ACCESS_KEY_ID: 'kit', AWS_SECRET_ACCESS_KEY: 'kit', AWS_REGION: REGION };

/** Node gives a TXT in pieces, and reads its bytes as Latin 1. */
const answerSchema = z.union([
  z.string(),
  z.array(z.string()).transform((pieces) => Buffer.from(pieces.join(''), 'latin1').toString('utf8')),
]);

/** What S3 and Route 53 say, as XML. */
const said = (code: string): string =>
  `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message><RequestId>kit</RequestId></Error>`;
const refusal = (status: number, code: string, headers: Readonly<Record<string, string>> = {}) => ({
  status,
  headers: { 'content-type': 'application/xml', ...headers },
  body: said(code),
});
const refusals: Refusals = {
  throttled: refusal(503, 'SlowDown', { 'retry-after': '1' }),
  broken: refusal(500, 'InternalError'),
  denied: refusal(403, 'AccessDenied'),
  unauthenticated: refusal(403, 'InvalidAccessKeyId'),
  expired: refusal(400, 'ExpiredToken'),
  quota: refusal(400, 'LimitsExceeded'),
  unreadable: { status: 404, headers: { 'content-type': 'text/html' }, body: '<html>no such page</html>' },
};

const { dns, state } = aws.drivers;
/** What needs no foundation. The rest has a harness of its own, beside a data plane. */
const provider = {
  ...aws,
  capabilities: () => dnsCapabilities,
  drivers: { ...(dns && { dns }), ...(state && { state }) },
};

/** Puts the AWS provider through the conformance kit on an emulator. @param leaveOut - What it can't judge, with the reason. */
export function harnessOn(emulator: EmulatorName, module: string, leaveOut: Readonly<Record<string, string>>): Harness {
  return {
    module,
    provider,
    async open(tools): Promise<Account> {
      const { url, end } = await startEmulator(emulator);
      const route53 = await setUp(url);
      const servers = await serveHostedZones(route53);
      const resolver = new Resolver({ tries: 1 });
      resolver.setServers([`127.0.0.1:${String(servers.port)}`]);
      const front = await tools.proxy({ url });
      const endpoint = 'url' in front ? front.url : '';
      return {
        config: { region: REGION, bucket: BUCKET },
        env: { ...KEYS, AWS_ENDPOINT_URL: endpoint },
        domain: ZONE,
        zone: ZONE,
        async resolve(name, type) {
          const found: unknown = await resolver.resolve(name, type).catch(() => []);
          return z.array(answerSchema).parse(found).sort();
        },
        async end() {
          await servers.end();
          route53.destroy();
          await end();
        },
      };
    },
    refusals,
    floors: { 'dns.change': 1, 'state.put': 1, 'state.delete': 1 },
    permissionOf: ({ method, path }) => {
      if (path.startsWith(`/${BUCKET}/`) && !path.includes('list-type')) {
        return { GET: 's3:GetObject', PUT: 's3:PutObject', DELETE: 's3:DeleteObject' }[method];
      }
      if (path.startsWith(`/${BUCKET}`)) return 's3:ListBucket';
      if (path.includes('/rrset') && method === 'POST') return 'route53:ChangeResourceRecordSets';
      if (path.includes('/rrset')) return 'route53:ListResourceRecordSets';
      return path.includes('/change/') ? 'route53:GetChange' : 'route53:ListHostedZones';
    },
    leaveOut,
  };
}

/** A bucket, and a zone for the kit to write in. */
async function setUp(endpoint: string): Promise<Route53Client> {
  const credentials = { accessKeyId: 'kit', secretAccessKey: 'kit' };
  const s3 = new S3Client({ region: REGION, endpoint, credentials, forcePathStyle: true });
  const route53 = new Route53Client({ region: REGION, endpoint, credentials });
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
  await route53.send(new CreateHostedZoneCommand({ Name: ZONE, CallerReference: 'kit' }));
  s3.destroy();
  return route53;
}
