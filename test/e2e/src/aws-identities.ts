import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

/** As STS hands them out. */
export interface RoleKeys {
  readonly AccessKeyId: string;
  readonly SecretAccessKey: string;
  readonly SessionToken: string;
}
/** What a client of a machine, a container or a portal has to say to be given a role's keys. */
const CONTAINER_SECRET = 'of-the-container';
const PORTAL_TOKEN = 'of-the-person';
const MACHINE_TOKEN = 'of-the-session';
const ROLE = 'deploy';
const METADATA = '/latest/meta-data/iam/security-credentials/';
const HOUR_MS = 3_600_000;

/**
 * What hands out a role's keys around AWS: the metadata of a machine, the agent of a container, the portal of IAM Identity Center.
 * @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
 * @see https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html
 */
export class AwsIdentities {
  /** Method and path of each request. */
  readonly asked: string[] = [];

  private constructor(
    private readonly server: Server,
    private readonly keys: RoleKeys | 'silent',
  ) {}

  /** @param keys - `silent`: takes connections and never answers, as the address of the metadata does on a laptop. */
  static async start(keys: RoleKeys | 'silent'): Promise<AwsIdentities> {
    const server = createServer();
    const identities = new AwsIdentities(server, keys);
    server.on('request', (request: IncomingMessage, response) => {
      identities.asked.push(`${request.method ?? ''} ${request.url ?? ''}`);
      const body = identities.#answer(request);
      if (keys !== 'silent') response.writeHead(body === undefined ? 404 : 200).end(body);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return identities;
  }

  get url(): string {
    const { port } = this.server.address() as AddressInfo; // a TCP server's address is an object
    return `http://127.0.0.1:${String(port)}`;
  }

  /** The environment of a task, of a machine, and of a person who has signed in. */
  get environments(): Readonly<Record<'container' | 'instance' | 'sso', Readonly<Record<string, string>>>> {
    return {
      container: {
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `${this.url}/container`,
        AWS_CONTAINER_AUTHORIZATION_TOKEN: CONTAINER_SECRET,
      },
      instance: { AWS_EC2_METADATA_SERVICE_ENDPOINT: this.url },
      sso: { AWS_PROFILE: 'person', AWS_ENDPOINT_URL_SSO: this.url },
    };
  }

  async end(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  #answer({ method, url = '', headers }: IncomingMessage): string | undefined {
    if (this.keys === 'silent') return undefined;
    const { AccessKeyId, SecretAccessKey, SessionToken } = this.keys;
    const until = new Date(Date.now() + HOUR_MS);
    const plain = { AccessKeyId, SecretAccessKey, Token: SessionToken, Expiration: until.toISOString() };
    if (method === 'PUT' && url === '/latest/api/token') return MACHINE_TOKEN;
    if (url === METADATA && headers['x-aws-ec2-metadata-token'] === MACHINE_TOKEN) return ROLE;
    if (url === `${METADATA}${ROLE}` && headers['x-aws-ec2-metadata-token'] === MACHINE_TOKEN)
      return JSON.stringify({ Code: 'Success', Type: 'AWS-HMAC', ...plain });
    if (url === '/container' && headers.authorization === CONTAINER_SECRET) return JSON.stringify(plain);
    if (!url.startsWith('/federation/credentials?') || headers['x-amz-sso_bearer_token'] !== PORTAL_TOKEN)
      return undefined;
    return JSON.stringify({
      roleCredentials: {
        accessKeyId: AccessKeyId,
        secretAccessKey: SecretAccessKey,
        sessionToken: SessionToken,
        expiration: until.getTime(),
      },
    });
  }
}

/** `~/.aws` of somebody with keys by profile, and with a session of IAM Identity Center as `person`. */
export async function writeAwsFolder(home: string, profiles: Readonly<Record<string, RoleKeys>>): Promise<void> {
  const folder = path.join(home, '.aws');
  await mkdir(path.join(folder, 'sso', 'cache'), { recursive: true });
  await writeFile(
    path.join(folder, 'credentials'),
    Object.entries(profiles)
      .map(
        ([name, keys]) => `[${name}]
aws_access_key_id = ${keys.AccessKeyId}
aws_secret_access_key = ${keys.SecretAccessKey}
aws_session_token = ${keys.SessionToken}
`,
      )
      .join(''),
  );
  await writeFile(
    path.join(folder, 'config'),
    `[profile person]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = ${ROLE}
[sso-session corp]
sso_region = us-east-1
sso_start_url = https://corp.example/start
sso_registration_scopes = sso:account:access
`,
  );
  await writeSession(home, HOUR_MS);
}

/** What `aws sso login` leaves. @param lastsMs - Less than nothing: it has ended. */
export async function writeSession(home: string, lastsMs: number): Promise<void> {
  const name = createHash('sha1').update('corp').digest('hex');
  const expiresAt = new Date(Date.now() + lastsMs).toISOString();
  await writeFile(
    path.join(home, '.aws', 'sso', 'cache', `${name}.json`),
    JSON.stringify({
      accessToken: PORTAL_TOKEN,
      expiresAt,
      region: 'us-east-1',
      startUrl: 'https://corp.example/start',
    }),
  );
}
