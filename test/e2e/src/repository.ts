import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);
const examples = path.resolve(import.meta.dirname, '..', '..', '..', 'docs', 'examples');

export type Example = 'node-service' | 'docker-service' | 'static-site' | 'shop';

export interface ExampleOptions {
  /** The Node service installs its dependency. Left out: the dependency is in the commit, which needs no registry and no time. */
  readonly install?: boolean;
}

/** A git repository of a user, with a work tree. Its clock is fixed, so its commits have the same ids in every run. */
export class TestRepository {
  readonly folder: string;
  private clock = 1_700_000_000;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** One commit for each version; the example's own files with the version written in. */
  static async fromExample(
    folder: string,
    example: Example,
    versions: readonly string[],
    project: string,
    options: ExampleOptions = {},
  ): Promise<{ repository: TestRepository; commits: readonly string[] }> {
    const repository = await TestRepository.init(folder);
    await cp(path.join(examples, example), folder, { recursive: true });
    if (example === 'node-service' && options.install !== true) await vendorDependencies(repository);
    for (const name of ['clusternator.config.yaml', 'clusternator.no-engine.config.yaml']) {
      await repository.edit(name, (text) => text.replace(/^project: .*$/m, `project: ${project}`)).catch(ignoreAbsent);
    }
    const commits: string[] = [];
    for (const version of versions) {
      await setVersion(repository, example, version);
      commits.push(await repository.commit(`Version ${version}`));
    }
    return { repository, commits };
  }

  static async init(folder: string): Promise<TestRepository> {
    await mkdir(folder, { recursive: true });
    const repository = new TestRepository(folder);
    await repository.git('init', '--quiet', '--initial-branch=main');
    return repository;
  }

  async git(...args: string[]): Promise<string> {
    const when = `${this.clock} +0000`;
    const who = {
      GIT_AUTHOR_NAME: 'Ann Author',
      GIT_AUTHOR_EMAIL: 'ann@example.com',
      GIT_COMMITTER_NAME: 'Ann Author',
    };
    const fixed = { GIT_COMMITTER_EMAIL: 'ann@example.com', GIT_AUTHOR_DATE: when, GIT_COMMITTER_DATE: when };
    const { stdout } = await exec('git', ['-c', 'protocol.file.allow=always', ...args], {
      cwd: this.folder,
      env: { ...process.env, ...who, ...fixed, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
      maxBuffer: 16 * 1024 * 1024,
    });
    return stdout.trim();
  }

  async write(name: string, text: string): Promise<void> {
    const file = path.join(this.folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }

  async edit(name: string, change: (text: string) => string): Promise<void> {
    await this.write(name, change(await readFile(path.join(this.folder, name), 'utf8')));
  }

  /** All that is in the work tree; the new commit's full id. */
  async commit(message: string): Promise<string> {
    this.clock += 60;
    await this.git('add', '--all');
    await this.git('commit', '--quiet', '--allow-empty', '--message', message);
    return this.git('rev-parse', 'HEAD');
  }

  /** All that a tool must not touch: head, branches, index, work tree, worktrees, stashes, config. */
  async picture(): Promise<string> {
    const parts = [
      ['rev-parse', 'HEAD'],
      ['symbolic-ref', '--quiet', 'HEAD'],
      ['for-each-ref'],
      ['ls-files', '--stage'],
      ['status', '--porcelain=v2', '--ignored', '--untracked-files=all'],
      ['worktree', 'list', '--porcelain'],
      ['config', '--local', '--list'],
      ['stash', 'list'],
      ['diff'],
    ];
    const texts: string[] = [];
    for (const part of parts) texts.push(`$ git ${part.join(' ')}\n${await this.git(...part).catch(() => '')}`);
    return texts.join('\n');
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function setVersion(repository: TestRepository, example: Example, version: string): Promise<void> {
  if (example === 'node-service') return repository.write('version.txt', `${version}\n`);
  if (example === 'docker-service') return repository.write('www/version.txt', `${version}\n`);
  if (example === 'static-site') return repository.write('content/index.txt', `# A bakery\n\nVersion: ${version}.\n`);
  await repository.edit('package.json', (text) => text.replace(/"version": "[^"]*"/, `"version": "${version}"`));
}

async function vendorDependencies(repository: TestRepository): Promise<void> {
  const modules = path.join('node_modules', 'ws');
  await cp(path.join(examples, '..', '..', modules), path.join(repository.folder, modules), { recursive: true });
  await repository.edit('clusternator.config.yaml', (text) => text.replace(/^ +install:.*\n(?: {6}.*\n)*/m, ''));
}

function ignoreAbsent(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
