import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { entriesOf, toPath, toBytes, toText } from '../../artefact/files.ts';
import { openRepository } from '../repository.ts';
import type { Repository } from '../repository.ts';

/** A folder for one test, with real repositories in it and an environment that knows nothing of the machine's own git settings. */
export class Bench implements Disposable {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'clusternator source ü ')));
  readonly stateFolder = join(this.folder, 'state');
  readonly env: Record<string, string>;

  constructor() {
    this.env = {
      PATH: process.env.PATH ?? '',
      HOME: join(this.folder, 'home'),
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: join(this.folder, 'home/.gitconfig'),
    };
    mkdirSync(this.env.HOME ?? '');
    const global =
      '[user]\n\tname = Ada\n\temail = ada@example.com\n[init]\n\tdefaultBranch = main\n[commit]\n\tgpgsign = false\n';
    writeFileSync(this.env.GIT_CONFIG_GLOBAL ?? '', `${global}[protocol "file"]\n\tallow = always\n`);
  }

  git(cwd: string, ...args: string[]): string {
    const env = { ...this.env, GIT_AUTHOR_DATE: '2024-01-02T03:04:05Z', GIT_COMMITTER_DATE: '2024-01-02T03:04:05Z' };
    return execFileSync('git', args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trimEnd();
  }

  /** An empty repository with a branch `main`. */
  init(name: string, ...options: string[]): string {
    const folder = join(this.folder, name);
    mkdirSync(folder, { recursive: true });
    this.git(folder, 'init', '-q', ...options);
    return folder;
  }

  /** Writes the files and commits them. @returns The commit. */
  commit(repository: string, files: Record<string, string>, message = 'A change'): string {
    for (const [path, text] of Object.entries(files)) write(join(repository, path), text);
    this.git(repository, 'add', '-A');
    this.git(repository, 'commit', '-q', '--allow-empty', '-m', message);
    return this.git(repository, 'rev-parse', 'HEAD');
  }

  open(directory: string, env: Record<string, string> = this.env): Promise<Repository> {
    return openRepository(directory, { env, stateFolder: this.stateFolder, signal: new AbortController().signal });
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  if (text.startsWith('-> ')) symlinkSync(text.slice(3), file);
  else writeFileSync(file, text);
  if (text.startsWith('#!')) chmodSync(file, 0o755);
}

/** Every file of a folder with its bytes and times, to compare before and after. */
export function snapshot(folder: string): Record<string, string> {
  const entries = [...entriesOf(folder)].map((entry) => {
    const bytes = entry.kind === 'file' ? readFileSync(toPath(`${toBytes(folder)}/${entry.path}`)) : Buffer.alloc(0);
    const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
    return [
      toText(entry.path),
      `${entry.kind} ${entry.inode} ${entry.kind === 'folder' ? '' : entry.changedNanoseconds} ${hash}`,
    ];
  });
  return Object.fromEntries(entries) as Record<string, string>; // The pairs above are pairs of strings.
}
