import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createSecureContext, type SecureContext } from 'node:tls';
import { promisify } from 'node:util';

const run = promisify(execFile);
const DAYS = '30';

/** A certificate authority of its own, which vouches for any name that is asked for. */
export class Certificates {
  readonly #known = new Map<string, Promise<SecureContext>>();

  private constructor(private readonly folder: string) {}

  /** @param folder - For its keys. @see https://docs.openssl.org/3.0/man1/openssl-req/ */
  static async make(folder: string): Promise<Certificates> {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'ca.key'];
    await run(
      'openssl',
      ['req', '-x509', ...key, '-out', 'ca.pem', '-days', DAYS, '-subj', '/CN=Data plane of an emulator'],
      { cwd: folder },
    );
    await run('openssl', ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', 'leaf.key'], {
      cwd: folder,
    });
    return new Certificates(folder);
  }

  /** What a client has to trust. */
  get caFile(): string {
    return path.join(this.folder, 'ca.pem');
  }

  async contextFor(name: string): Promise<SecureContext> {
    const known = this.#known.get(name) ?? this.#make(name, this.#known.size + 1);
    this.#known.set(name, known);
    return known;
  }

  async #make(name: string, serial: number): Promise<SecureContext> {
    const file = (ending: string) => path.join(this.folder, `${String(serial)}.${ending}`);
    writeFileSync(file('ext'), `subjectAltName=DNS:${name}\nextendedKeyUsage=serverAuth\n`);
    await run('openssl', ['req', '-new', '-key', 'leaf.key', '-out', file('csr'), '-subj', '/CN=listener'], {
      cwd: this.folder,
    });
    const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-set_serial', String(serial), '-days', DAYS];
    await run(
      'openssl',
      ['x509', '-req', '-in', file('csr'), ...signed, '-extfile', file('ext'), '-out', file('pem')],
      { cwd: this.folder },
    );
    return createSecureContext({
      key: readFileSync(path.join(this.folder, 'leaf.key')),
      cert: readFileSync(file('pem')),
    });
  }
}
