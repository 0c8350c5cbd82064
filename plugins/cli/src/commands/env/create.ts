import { ProviderError, type CreateRequest, type Project } from '@clusternator/core';
import { Flags } from '@oclif/core';
import { resolve } from 'node:path';
import { createdLines, planLines } from '../../create-text.ts';
import { readEnvFiles } from '../../env-file.ts';
import { environmentJson, type EnvironmentJson } from '../../environment-text.ts';
import { Exit } from '../../errors.ts';
import { durationFlag, envFileFlag } from '../../flags.ts';
import { openInBrowser } from '../../open-url.ts';
import { OperationCommand } from '../../operation-command.ts';

type Plan = Awaited<ReturnType<Project['plan']>>;
type Answer = { environment: EnvironmentJson; existed: boolean } | { plan: Plan };

export default class EnvCreate extends OperationCommand<typeof EnvCreate> {
  static override summary = 'Run a commit as an environment: HEAD, unless told otherwise.';
  static override description =
    'The commit is built and run as its own config says. The last line on standard output is the URL; without a terminal it is the only one.';
  static override examples = [
    '<%= config.bin %> env create',
    '<%= config.bin %> env create --sha 1a2b3c4 --ttl 72h',
    '<%= config.bin %> env create --pr 42 --no-wait --json',
    '<%= config.bin %> env create --slot master',
    '<%= config.bin %> env create --dry-run --exit-code',
  ];
  static override flags = {
    sha: Flags.string({ summary: 'A commit, full or short.', exclusive: ['ref', 'pr'], helpValue: '<commit>' }),
    ref: Flags.string({ summary: 'A branch or tag.', exclusive: ['sha', 'pr'], helpValue: '<name>' }),
    pr: Flags.integer({ summary: 'The head of a pull request.', exclusive: ['sha', 'ref'], min: 1, helpValue: '<n>' }),
    slot: Flags.string({
      summary: "Also the slot's own environment of the commit, so that a later promotion finds it ready.",
      helpValue: '<slot>',
    }),
    ttl: durationFlag({ summary: 'Let gc remove it after this time, such as 72h.' }),
    'env-file': envFileFlag,
    wait: Flags.boolean({ summary: 'Wait until it is ready.', default: true, allowNo: true }),
    timeout: durationFlag({ summary: 'Wait so long; then it goes on in the background (exit code 9).' }),
    'dry-run': Flags.boolean({ summary: 'Say what would be made and make nothing.' }),
    'exit-code': Flags.boolean({
      summary: 'With --dry-run: exit 10 when something would be made.',
      dependsOn: ['dry-run'],
    }),
    open: Flags.boolean({ summary: 'Open it in the browser.' }),
  };

  private get envFiles(): string[] {
    return (this.flags['env-file'] ?? []).map((file) => resolve(this.directory, file));
  }

  async run(): Promise<Answer> {
    const request = await this.#request();
    const project = await this.project;
    if (this.flags['dry-run']) return this.#plan(await project.plan(request));
    const { wait, timeout, open } = this.flags;
    const patience = {
      none: !wait,
      flags: this.envFiles.flatMap((file) => ['--env-file', file]),
      ...(timeout === undefined ? {} : { seconds: timeout }),
    };
    const result = await this.withPatience(patience, () => project.create(request));
    if (result === undefined && wait) throw stillAtIt(timeout, this.waitsFor);
    if (result?.operation) this.operation = result.operation;
    const environment = result?.environment ?? (await (await this.project).environment(this.subject ?? ''));
    const existed = result?.existed ?? false;
    const { before, last } = createdLines(environment, existed, this.config.bin);
    if (process.stdout.isTTY) this.say(...before);
    else this.note(...before);
    this.say(last);
    if (open && environment.url !== undefined) await openInBrowser(environment.url);
    return { environment: environmentJson(environment), existed };
  }

  #plan(plan: Plan): Answer {
    this.say(...planLines(plan));
    if (this.flags['exit-code'] && plan.changes.length > 0) this.endWith(Exit.differences);
    return { plan };
  }

  async #request(): Promise<CreateRequest> {
    const { sha, ref, pr, ttl, slot, 'env-file': envFiles } = this.flags;
    return {
      ...(sha === undefined ? {} : { sha }),
      ...(ref === undefined ? {} : { ref }),
      ...(pr === undefined ? {} : { pullRequest: pr }),
      ...(ttl === undefined ? {} : { ttlSeconds: ttl }),
      ...(slot === undefined ? {} : { slot }),
      ...(envFiles === undefined ? {} : { secrets: await readEnvFiles(this.envFiles) }),
    };
  }
}

function stillAtIt(seconds: number | undefined, waitsFor: string | undefined): ProviderError {
  const why = waitsFor === undefined ? '' : `: ${waitsFor}`;
  const message = `it is not ready after ${String(seconds ?? 0)} s, and goes on in the background${why}`;
  return new ProviderError('timeout', message);
}
