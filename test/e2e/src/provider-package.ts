import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import path from 'node:path';
import { promisify } from 'node:util';

export interface ProviderParts {
  readonly id: string;
  readonly version?: string;
  readonly sdk?: string;
  /** The whole module, or what is to be in the provider in place of the usual. */
  readonly entry?: string;
  readonly type?: 'module' | 'commonjs';
}

/** What `defineProvider` gives, written by hand: it needs no package, and has no types. */
export function providerText({ id, version = '1.0.0' }: Pick<ProviderParts, 'id' | 'version'>): string {
  return `({ [Symbol.for('clusternator.provider')]: 1, id: '${id}',
    config: { safeParse: (data) => ({ success: true, data }), parse: (data) => data },
    examples: { default: {} },
    capabilities: () => ({ 'environments.sites': { can: 'no', note: 'version ${version} serves none' } }),
    permissions: () => [{ action: 'fly:Launch', resource: '*', verbs: ['env create'] }],
    errorOf: () => undefined, drivers: {} })`;
}

/** The folder of a provider package as somebody might publish it. */
export async function writeProvider(folder: string, parts: ProviderParts): Promise<string> {
  const { id, version = '1.0.0', sdk = '^0.1.0', type = 'module' } = parts;
  await mkdir(path.join(folder, 'commands'), { recursive: true });
  const manifest = {
    ...{ name: `clusternator-provider-${id}`, version, type, main: './index.js', license: 'MIT' },
    files: ['index.js', 'commands'],
    oclif: { commands: './commands' },
    clusternator: { provider: { id, entry: './index.js', sdk } },
  };
  await writeFile(path.join(folder, 'package.json'), JSON.stringify(manifest));
  await writeFile(path.join(folder, 'index.js'), parts.entry ?? `export default ${providerText(parts)};\n`);
  await writeFile(path.join(folder, 'commands', 'hello.js'), type === 'module' ? 'export default class {}\n' : '');
  return folder;
}

/** @returns The tarball that `npm pack` makes of a folder. */
export async function pack(folder: string, into: string): Promise<string> {
  await mkdir(into, { recursive: true });
  const { stdout } = await promisify(execFile)('npm', ['pack', '--json', '--pack-destination', into], { cwd: folder });
  const [packed] = Object.values(JSON.parse(stdout) as Record<string, { filename: string }>);
  if (!packed) throw new Error(`npm packed nothing of ${folder}`);
  return path.join(into, path.basename(packed.filename));
}

interface Published {
  readonly version: string;
  readonly manifest: object;
  readonly tarball: Buffer;
}

/** A registry of the packages that are published to it, and of no other. */
export class Registry implements AsyncDisposable {
  readonly #packages = new Map<string, Published[]>();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const [asked = ''] = decodeURIComponent(request.url ?? '')
        .slice(1)
        .split('?');
      const [name = '', file] = asked.split('/-/');
      const versions = this.#packages.get(name);
      const wanted = versions?.find(({ version }) => file === `${version}.tgz`);
      if (wanted) response.end(wanted.tarball);
      else if (versions && file === undefined)
        response.setHeader('content-type', 'application/json').end(this.#packument(name, versions));
      else response.writeHead(404).end('{}');
    });
  }

  static async open(): Promise<Registry> {
    const registry = new Registry();
    await new Promise<void>((resolve) => registry.#server.listen(0, '127.0.0.1', resolve));
    return registry;
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  }

  /** @param file - What `npm pack` made. */
  async publish(file: string): Promise<void> {
    const { stdout } = await promisify(execFile)('tar', ['-xzOf', file, 'package/package.json']);
    const manifest = JSON.parse(stdout) as { name: string; version: string };
    const { name, version } = manifest;
    const published = { version, manifest, tarball: await readFile(file) };
    this.#packages.set(name, [...(this.#packages.get(name) ?? []), published]);
  }

  #packument(name: string, published: readonly Published[]): string {
    const versions = published.map(({ version, manifest, tarball }) => [
      version,
      {
        ...manifest,
        dist: {
          tarball: `${this.url}/${name}/-/${version}.tgz`,
          integrity: `sha512-${createHash('sha512').update(tarball).digest('base64')}`,
        },
      },
    ]);
    const latest = published.at(-1)?.version;
    return JSON.stringify({ name, 'dist-tags': { latest }, versions: Object.fromEntries(versions) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
