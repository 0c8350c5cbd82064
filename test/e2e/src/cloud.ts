import { CreateHostedZoneCommand, Route53Client } from '@aws-sdk/client-route-53';
import { startDataPlane, type DataPlane } from '@clusternator/emulators/data-plane';
import { startEmulator, type Emulator, type EmulatorName } from '@clusternator/emulators/emulator';
import { Iam, type UserKeys } from '@clusternator/emulators/iam';
import { tagNewBuckets } from '@clusternator/emulators/tagged-buckets';

import { runProgram } from './cli.ts';
import type { Sandbox } from './sandbox.ts';

const KEYS: UserKeys = { accessKeyId: 'e2e', secretAccessKey: 'e2e' };

/** An account of AWS in small: an emulator, the data plane that makes its records real, and a hosted zone. */
export class Cloud {
  readonly plane: DataPlane;
  readonly #ends: readonly (() => Promise<void> | void)[];

  private constructor(plane: DataPlane, ends: readonly (() => Promise<void> | void)[]) {
    this.plane = plane;
    this.#ends = ends;
  }

  /** @param settings - Variables of the emulator. */
  static async open(name: EmulatorName, zone: string, settings?: Readonly<Record<string, string>>): Promise<Cloud> {
    const emulator = await startEmulator(name, 'all', settings);
    return Cloud.#beside(emulator, KEYS, zone);
  }

  /** One that looks at keys and policies from now on: moto. */
  static async openGuarded(zone: string): Promise<{ readonly cloud: Cloud; readonly iam: Iam }> {
    const emulator = await startEmulator('moto');
    const iam = await Iam.open(emulator.url);
    const cloud = await Cloud.#beside(emulator, iam.admin, zone, () => iam.end());
    await iam.enforce(true);
    return { cloud, iam };
  }

  static async #beside(emulator: Emulator, keys: UserKeys, zone: string, end = (): void => undefined): Promise<Cloud> {
    const buckets = await tagNewBuckets(emulator.url, keys);
    const plane = await startDataPlane({ emulator: buckets.url, credentials: keys });
    const cloud = new Cloud(plane, [() => plane.end(), () => buckets.end(), end, () => emulator.end()]);
    await cloud.addZone(zone, keys);
    return cloud;
  }

  async addZone(Name: string, credentials = KEYS): Promise<void> {
    const route53 = new Route53Client({ region: 'us-east-1', endpoint: this.plane.endpoint, credentials });
    await route53.send(new CreateHostedZoneCommand({ Name, CallerReference: Name }));
    route53.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends) await end();
  }

  /** Has a user's machine work on the account, and find the names of what is made there. */
  serve(sandbox: Sandbox, keys = KEYS): void {
    Object.assign(sandbox.env, {
      AWS_ENDPOINT_URL: this.plane.endpoint,
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      HTTP_PROXY: this.plane.proxyUrl,
      HTTPS_PROXY: this.plane.proxyUrl,
      NO_PROXY: 'localhost,127.0.0.1',
      NODE_EXTRA_CA_CERTS: this.plane.caFile,
    });
  }

  /** Where a name leads to, by the hosted zones. */
  async dig(name: string): Promise<readonly string[]> {
    const args = ['@127.0.0.1', '-p', String(this.plane.dnsPort), '+tries=1', '+short', name, 'A'];
    const { stdout } = await runProgram('dig', args, { cwd: '/', env: process.env });
    return stdout
      .trim()
      .split('\n')
      .map((line) => line.replace(/\.$/, ''));
  }

  /** What an address answers, through load balancers or CloudFront: the text, or what went wrong. */
  async curl(url: string): Promise<string> {
    const { proxyUrl, caFile } = this.plane;
    const args = ['--silent', '--show-error', '--fail-with-body', '--proxy', proxyUrl, '--cacert', caFile, url];
    const { code, stdout, stderr } = await runProgram('curl', args, { cwd: '/', env: process.env });
    return code === 0 ? stdout.trim() : `${stderr.trim()}: ${stdout.trim()}`;
  }
}

/** Kills a create once it tells of this. @returns Whether it was still there to be killed. */
export function createKilled(sandbox: Sandbox, sha: string, once: RegExp): Promise<boolean> {
  return killed(sandbox, ['env', 'create', '--sha', sha], once);
}

/** The same of any command. */
export async function killed(sandbox: Sandbox, args: readonly string[], once: RegExp): Promise<boolean> {
  let told = '';
  const { signal } = await sandbox.run(args, {
    timeoutSeconds: 400,
    onStart: (child) =>
      child.stderr?.on('data', (text: string) => {
        told += text;
        if (once.test(told)) child.kill('SIGKILL');
      }),
  });
  return signal === 'SIGKILL';
}
