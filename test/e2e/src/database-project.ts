import { expect } from '@jest/globals';

import type { TestRepository } from './repository.ts';
import type { Sandbox } from './sandbox.ts';

interface Verification {
  readonly isGood: boolean;
  readonly message: string;
}

/** A project whose one service, `db`, is a database with its data in the volume `data`. */
export class DatabaseProject {
  readonly sandbox: Sandbox;
  readonly repository: TestRepository;
  /** What a script of the service begins with. */
  protected readonly connect: string = '';

  constructor(sandbox: Sandbox, repository: TestRepository) {
    this.sandbox = sandbox;
    this.repository = repository;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sandbox.dispose();
  }

  /** A command of the tool that has to succeed. */
  async run<T>(...words: readonly string[]): Promise<T> {
    const { data, outcome, error } = await this.sandbox.json<T>(words);
    const seen = { words, exit: outcome.code, error, ...(outcome.code !== 0 && { data }) };
    expect(seen).toEqual({ words, exit: 0, error: undefined });
    return data;
  }

  /** A new commit, with this one change. */
  async commit(file: string, change: (text: string) => string): Promise<string> {
    await this.repository.edit(file, change);
    return this.repository.commit(`Change ${file}`);
  }

  /** @returns The head of a slot that serves this commit from now on. */
  async promote(commit = 'HEAD', slot = 'master'): Promise<string> {
    const { id } = await this.sandbox.create('--sha', commit);
    const { to } = await this.run<{ to: { environment: string } }>('promote', id, slot);
    return to.environment;
  }

  /** @returns The snapshot. */
  async backUp(): Promise<string> {
    const { runs } = await this.run<{ runs: readonly { state: string; snapshot: string }[] }>('backup', 'run');
    expect(runs).toEqual([expect.objectContaining({ state: 'taken' })]);
    return runs[0]?.snapshot ?? '';
  }

  /** @returns What its verification says of a snapshot that has to be good. */
  async verify(snapshot: string): Promise<string> {
    const { verified } = await this.run<{ verified: readonly Verification[] }>('backup', 'verify', snapshot);
    expect(verified).toEqual([expect.objectContaining({ isGood: true })]);
    return verified[0]?.message ?? '';
  }

  /** A script in the service, as a person would run it. @returns What it printed. */
  async script(environment: string, script: string): Promise<string> {
    const words = ['env', 'exec', environment, 'db', '--', 'sh', '-ec', `${this.connect}${script}`];
    const { code, stdout, stderr } = await this.sandbox.run(words);
    expect({ script, code, stdout, stderr }).toMatchObject({ code: 0 });
    return stdout.trim();
  }
}
