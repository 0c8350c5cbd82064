import type { ProjectConfig } from '../config/schema.ts';
import { ProviderError } from '../provider/error.ts';
import type { Settings } from './settings.ts';

/** The values of a project's secrets, in memory alone. */
export class SecretValues {
  private values: ReadonlyMap<string, string> = new Map();
  private hide: (text: string) => string = (text) => text;
  private given: Readonly<Record<string, string>> = {};

  constructor(private readonly options: Settings) {}

  /** Values that were told with the command, before all others. */
  give(values: Readonly<Record<string, string>>): void {
    this.given = { ...this.given, ...values };
  }

  /** Finds the value of every secret that a config names and that has no reference. @throws ProviderError `invalid`, naming what has none. */
  async use(config: ProjectConfig, repository: string): Promise<void> {
    const wanted = Object.values(config.services).flatMap(({ secrets }) =>
      Object.values(secrets).flatMap(({ name, reference }) => (reference === undefined ? [name] : [])),
    );
    if (wanted.every((name) => this.values.has(name))) return; // also where there are none
    const [{ resolveSecrets }, { redactor }] = await Promise.all([
      import('../secrets/resolve.ts'),
      import('../secrets/redact.ts'),
    ]);
    this.values = await resolveSecrets([...new Set(wanted)], {
      env: { ...this.options.env, ...this.given },
      folder: repository,
      signal: this.options.signal,
      ...(config.secretsFrom.file !== undefined && { file: config.secretsFrom.file }),
      ...(config.secretsFrom.command && { command: config.secretsFrom.command }),
    });
    this.hide = redactor(this.values.values());
  }

  /** The text without any of the values that were found. */
  redact(text: string): string {
    return this.hide(text);
  }

  /** @throws ProviderError `invalid`. */
  valueOf(name: string): Promise<string> {
    const value = this.values.get(name);
    if (value !== undefined) return Promise.resolve(value);
    return Promise.reject(
      new ProviderError('invalid', `the secret ${name} has no value`, {
        path: `secrets.${name}`,
        hint: `set it in the environment: ${name}=… clusternator …, or in a file: --env-file <file>`,
      }),
    );
  }
}
