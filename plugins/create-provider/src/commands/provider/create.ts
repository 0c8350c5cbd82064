import { ProviderError } from '@clusternator/core';
import { Args, Command, Flags } from '@oclif/core';
import { relative, resolve } from 'node:path';
import { createProvider, DRIVERS, type Driver } from '../../create.ts';

interface Answer {
  readonly folder: string;
  readonly files: readonly string[];
}
/** What `--json` prints: one document, whatever happens. */
interface JsonDocument {
  readonly ok: boolean;
  readonly data: unknown;
  readonly warnings: readonly string[];
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string };
}

export default class ProviderCreate extends Command {
  static override enableJsonFlag = true;
  static override summary = 'Write a new provider package, which builds and passes the conformance kit as it is.';
  static override description =
    'Config schema, drivers, a stand-in of the cloud with a wire protocol, harness, tests, CI, licence. Replace the calls to the stand-in with those of your cloud, one by one.';
  static override examples = [
    '<%= config.bin %> provider create fly',
    '<%= config.bin %> provider create fly --with dns --dir providers/fly',
  ];
  static override args = {
    name: Args.string({ description: 'Its id, as in `provider: <name>`.', required: true, ignoreStdin: true }),
  };
  static override flags = {
    with: Flags.option({ options: DRIVERS, multiple: true, multipleNonGreedy: true })({
      summary: 'What to scaffold. Repeatable. Left out: asked for on a terminal, else all.',
    }),
    dir: Flags.string({
      summary: 'The folder to make [default: clusternator-provider-<name>].',
      helpValue: '<folder>',
    }),
  };

  async run(): Promise<Answer> {
    const { args, flags } = await this.parse(ProviderCreate);
    const folder = resolve(flags.dir ?? `clusternator-provider-${args.name}`);
    const drivers = flags.with ?? (await this.#ask());
    const files = await createProvider({ id: args.name, folder, ...(drivers && { drivers }) });
    if (!this.jsonEnabled()) {
      const here = relative('.', folder) || '.';
      process.stdout.write(`${folder}\n`);
      process.stderr.write(`${String(files.length)} files. Next:\n  cd ${here}\n  npm install\n  npm test\n`);
    }
    return { folder, files };
  }

  async #ask(): Promise<readonly Driver[] | undefined> {
    if (this.jsonEnabled() || !process.stdin.isTTY || !process.stderr.isTTY) return undefined;
    const { checkbox } = await import('@inquirer/prompts');
    const choices = DRIVERS.map((driver) => ({ value: driver, name: driver, checked: true }));
    return checkbox({ message: 'What does it implement?', choices, required: true }, { output: process.stderr });
  }

  protected override toSuccessJson(data: unknown): JsonDocument {
    return { ok: true, data, warnings: [] };
  }

  protected override toErrorJson(cause: unknown): JsonDocument {
    const message = cause instanceof Error ? cause.message : String(cause);
    const hint = ProviderError.is(cause) ? cause.detail.hint : undefined;
    const code = ProviderError.is(cause) ? cause.code : 'internal';
    return { ok: false, data: null, warnings: [], error: { code, message, ...(hint !== undefined && { hint }) } };
  }

  protected override async catch(cause: Error & { exitCode?: number }): Promise<unknown> {
    if (ProviderError.is(cause)) process.exitCode = cause.code === 'invalid' ? 2 : 7;
    if (this.jsonEnabled() || !ProviderError.is(cause)) return super.catch(cause);
    const { hint } = cause.detail;
    this.error(hint === undefined ? cause.message : `${cause.message}\n${hint}`, {
      exit: cause.code === 'invalid' ? 2 : 7,
    });
  }
}
