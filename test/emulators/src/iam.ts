import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
  PutUserPolicyCommand,
  type AccessKey,
} from '@aws-sdk/client-iam';

/** Of a user, as a client of the SDK takes them. */
export interface UserKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}
/** A statement of a policy. @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html */
export interface Statement {
  readonly Effect: 'Allow';
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
}

export const ANYTHING: readonly Statement[] = [{ Effect: 'Allow', Action: '*', Resource: '*' }];

/** Users of a moto that may be told to look at keys, signatures and policies. */
export class Iam {
  /** May do anything. */
  readonly admin: UserKeys;
  readonly #iam: IAMClient;

  private constructor(
    private readonly url: string,
    admin: UserKeys,
  ) {
    this.admin = admin;
    this.#iam = clientOf(url, admin);
  }

  static async open(url: string): Promise<Iam> {
    const anybody = clientOf(url, { accessKeyId: 'emulator', secretAccessKey: 'emulator' });
    const admin = await makeUser(anybody, 'admin', ANYTHING);
    anybody.destroy();
    return new Iam(url, admin);
  }

  async user(name: string, statements: readonly Statement[]): Promise<UserKeys> {
    return makeUser(this.#iam, name, statements);
  }

  /** From now on. */
  async allow(UserName: string, statements: readonly Statement[]): Promise<void> {
    await this.#iam.send(policyOf(UserName, statements));
  }

  /**
   * Whether each call has to be allowed. An unsigned one, as of a web identity, is then taken for a wrong one.
   * @see https://docs.getmoto.org/en/latest/docs/iam.html
   */
  async enforce(does: boolean): Promise<void> {
    const { ok } = await fetch(`${this.url}/moto-api/reset-auth`, { method: 'POST', body: does ? '0' : 'Infinity' });
    if (!ok) throw new Error('moto does not take the word');
  }

  end(): void {
    this.#iam.destroy();
  }
}

async function makeUser(iam: IAMClient, UserName: string, statements: readonly Statement[]): Promise<UserKeys> {
  await iam.send(new CreateUserCommand({ UserName }));
  await iam.send(policyOf(UserName, statements));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  const { AccessKeyId: accessKeyId = '', SecretAccessKey: secretAccessKey = '' }: Partial<AccessKey> = AccessKey ?? {};
  return { accessKeyId, secretAccessKey };
}

function policyOf(UserName: string, Statement: readonly Statement[]): PutUserPolicyCommand {
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
  return new PutUserPolicyCommand({ UserName, PolicyName: 'allowed', PolicyDocument });
}

function clientOf(endpoint: string, credentials: UserKeys): IAMClient {
  return new IAMClient({ region: 'us-east-1', endpoint, credentials });
}

/** What moto takes calls for that it is to allow beside what is asked for: the block of public access, and the removal of objects, which it looks for at the bucket. */
export const MOTO_ASKS: readonly Statement[] = [
  { Effect: 'Allow', Action: ['s3:ListBucket', 's3:DeleteObject'], Resource: 'arn:aws:s3:::clusternator-*' },
];

/** What is printed, as statements. moto looks at the resources of S3 alone; of all others it asks for any. */
export function statementsOf(
  permissions: readonly { readonly action: string; readonly resource: string }[],
): readonly Statement[] {
  return permissions.map(({ action, resource }) => ({
    Effect: 'Allow',
    Action: action,
    Resource: action.startsWith('s3:') ? resource : '*',
  }));
}
