import { Flags, type Command } from '@oclif/core';
import type { OpenOptions, Project } from '@clusternator/core';
import { resolve } from 'node:path';
import { BaseCommand } from './base-command.ts';
import { providersFor } from './providers.ts';
import { directoryOf } from './directory.ts';
import { stateHome } from './state-home.ts';

/** A command on a project: opens it when it is first needed, and closes it in the end. */
export abstract class ProjectCommand<C extends typeof Command> extends BaseCommand<C> {
  static override baseFlags = {
    ...BaseCommand.baseFlags,
    config: Flags.string({
      summary: "A config file to use in place of the commit's own.",
      helpGroup: 'GLOBAL',
      helpValue: '<file>',
    }),
    project: Flags.string({
      summary: 'The project, where there is no config to read its name from [env: CLUSTERNATOR_PROJECT].',
      helpGroup: 'GLOBAL',
      helpValue: '<name>',
    }),
    stage: Flags.string({
      summary: 'A separate world of environments and slots [env: CLUSTERNATOR_STAGE].',
      helpGroup: 'GLOBAL',
      helpValue: '<name>',
    }),
    provider: Flags.string({
      summary: 'The provider, in place of what the config says.',
      helpGroup: 'GLOBAL',
      helpValue: '<id>',
    }),
    set: Flags.string({
      summary: 'Lay a value over the config, for example services.api.memory=1Gi. Repeatable.',
      helpGroup: 'GLOBAL',
      helpValue: '<path=value>',
      multiple: true,
      multipleNonGreedy: true,
    }),
  };

  #opened: Promise<Project> | undefined;

  /** The project, opened at its first use. */
  protected get project(): Promise<Project> {
    return (this.#opened ??= this.open({}));
  }

  /** What the project's commands see as environment. */
  protected environmentVariables(): Readonly<Record<string, string | undefined>> {
    return process.env;
  }

  protected get directory(): string {
    return directoryOf(this.globals.cwd);
  }

  protected get stateFolder(): string {
    return stateHome(process.env, this.globals['state-home']);
  }

  /** Ends what the engine does. */
  protected get engineSignal(): AbortSignal {
    return this.interruption.signal;
  }

  protected async open(more: Partial<OpenOptions>): Promise<Project> {
    const flags = this.globals;
    const core = await import('@clusternator/core');
    const env = this.environmentVariables();
    return core.openProject({
      directory: this.directory,
      ...(flags.config === undefined ? {} : { configFile: resolve(this.directory, flags.config) }),
      ...(flags.provider === undefined ? {} : { provider: flags.provider }),
      ...optional('stage', flags.stage ?? env.CLUSTERNATOR_STAGE),
      ...optional('project', flags.project ?? env.CLUSTERNATOR_PROJECT),
      ...(flags.set === undefined ? {} : { set: flags.set }),
      env,
      stateFolder: this.stateFolder,
      providers: async () => (await providersFor(this.config, this.directory)).providers,
      signal: this.engineSignal,
      emit: (event) => this.follow(event),
      ...more,
    });
  }

  /** Flags that every project command has, whatever else `C` adds. */
  protected get globals(): GlobalFlags {
    // `FlagsOf<C>` of an open type parameter does not show what the base flags put into it.
    return this.flags as unknown as GlobalFlags;
  }

  /** The flags that lead another process to the same project. */
  protected projectFlags(): string[] {
    const { config, project, stage, provider, set, verbose } = this.globals;
    const named = Object.entries({ config, project, stage, provider });
    return [
      ...named.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value])),
      ...(set ?? []).flatMap((value) => ['--set', value]),
      ...(verbose ? ['--verbose'] : []),
    ];
  }

  protected async closeProject(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    // A project that failed to open has nothing to close, and its error was shown.
    const project = await opened?.catch(() => undefined);
    await project?.close();
  }

  protected override async finally(error: Error | undefined): Promise<void> {
    await this.closeProject();
    await super.finally(error);
  }
}

interface GlobalFlags {
  readonly cwd?: string;
  readonly 'state-home'?: string;
  readonly verbose: boolean;
  readonly config?: string;
  readonly project?: string;
  readonly stage?: string;
  readonly provider?: string;
  readonly set?: string[];
}

function optional<K extends string>(key: K, value: string | undefined): Partial<Record<K, string>> {
  // A computed key widens to an index signature; it is exactly K.
  return (value === undefined || value === '' ? {} : { [key]: value }) as Partial<Record<K, string>>;
}
