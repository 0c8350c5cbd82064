import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import {
  answerOf,
  runProgram,
  runTool,
  type Answer,
  type EnvironmentAnswer,
  type Outcome,
  type RunOptions,
} from './cli.ts';
import { endProcessesOf, fileLeftovers, processesOf, removeFromEngine } from './leftovers.ts';
import { TestRepository, type Example, type ExampleOptions } from './repository.ts';

/** A user's machine in small: a home, a state folder, repositories. Nothing of it survives `dispose`. */
export class Sandbox {
  readonly folder: string;
  readonly stateHome: string;
  readonly env: NodeJS.ProcessEnv;
  /** Unique, so that what it leaves on a shared Docker Engine can be told from others'. */
  readonly project = `e2e-${randomBytes(4).toString('hex')}`;
  /** Where commands run unless told otherwise. */
  cwd: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.stateHome = path.join(folder, 'state');
    this.cwd = folder;
    const { PATH, DOCKER_HOST, LANG } = process.env;
    this.env = {
      PATH,
      LANG,
      ...(DOCKER_HOST && { DOCKER_HOST }),
      HOME: folder,
      TMPDIR: tmpdir(),
      CLUSTERNATOR_STATE_HOME: this.stateHome,
      XDG_CONFIG_HOME: path.join(folder, 'config'),
      XDG_CACHE_HOME: path.join(folder, 'cache'),
      XDG_DATA_HOME: path.join(folder, 'data'),
      GIT_CONFIG_NOSYSTEM: '1',
      NO_COLOR: '1',
    };
  }

  static async open(): Promise<Sandbox> {
    return new Sandbox(await realpath(await mkdtemp(path.join(tmpdir(), 'clusternator-e2e-'))));
  }

  /** A repository made of an example, with a commit a version. Commands run in it from now on. */
  async repository(
    example: Example,
    versions: readonly string[],
    name = 'repository',
    options: ExampleOptions = {},
  ): Promise<{ repository: TestRepository; commits: readonly string[] }> {
    const made = await TestRepository.fromExample(
      path.join(this.folder, name),
      example,
      versions,
      this.project,
      options,
    );
    this.cwd = made.repository.folder;
    return made;
  }

  /** A repository of the files given; a config among them says which project it is with `PROJECT`. */
  async repositoryOf(files: Readonly<Record<string, string>>, name = 'repository'): Promise<TestRepository> {
    const repository = await TestRepository.init(path.join(this.folder, name));
    for (const [file, text] of Object.entries(files))
      await repository.write(file, text.replaceAll('PROJECT', this.project));
    await repository.commit('The files');
    this.cwd = repository.folder;
    return repository;
  }

  /** npm finds what the user's own npm has fetched before; everything else of the user's stays out. */
  async useNpmCache(): Promise<void> {
    const { code, stdout } = await runProgram('npm', ['config', 'get', 'cache'], {
      cwd: this.folder,
      env: process.env,
    });
    assert.equal(code, 0);
    await writeFile(path.join(this.folder, '.npmrc'), `cache=${stdout.trim()}\nprefer-offline=true\n`);
  }

  async run(args: readonly string[], options: Partial<RunOptions> = {}): Promise<Outcome> {
    return runTool(args, { cwd: this.cwd, ...options, env: { ...this.env, ...options.env } });
  }

  async json<T>(
    args: readonly string[],
    options: Partial<RunOptions> = {},
  ): Promise<Answer<T> & { readonly outcome: Outcome }> {
    const outcome = await this.run([...args, '--json'], options);
    return { ...answerOf<T>(outcome), outcome };
  }

  /** Of a command that has to succeed. */
  async answer<T>(...args: readonly string[]): Promise<T> {
    const { data, outcome, error } = await this.json<T>(args);
    assert.deepEqual({ args, exit: outcome.code, error }, { args, exit: 0, error: undefined });
    return data;
  }

  async create(...args: string[]): Promise<EnvironmentAnswer> {
    const { environment } = await this.answer<{ environment: EnvironmentAnswer }>('env', 'create', ...args);
    assert.equal(environment.phase, 'ready');
    return environment;
  }

  async destroy(id: string): Promise<void> {
    await this.answer('env', 'destroy', id, '--yes');
  }

  async environments(): Promise<readonly EnvironmentAnswer[]> {
    const answer = await this.json<{ environments: readonly EnvironmentAnswer[] }>(['env', 'list']);
    return answer.data.environments;
  }

  /** Destroys what there is; then nothing may be left but the daemon, and after `daemon stop` no process at all. */
  async expectNothingIsLeft(): Promise<void> {
    for (const { id } of await this.environments()) await this.destroy(id);
    assert.deepEqual(await fileLeftovers(this.stateHome), []);
    await this.run(['daemon', 'stop']);
    assert.deepEqual(await processesOf(this.stateHome), []);
  }

  async dispose(): Promise<void> {
    await this.run(['daemon', 'stop'], { cwd: this.folder, timeoutSeconds: 20 }).catch(() => undefined);
    await endProcessesOf(this.folder);
    await removeFromEngine(this.project).catch(() => undefined); // there may be no engine
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
