import { Command, Flags } from '@oclif/core';
import { ProviderError } from '@clusternator/core/provider';
import { openLocalPaths, stateFolderOf, type LocalPaths } from './control/paths.ts';
import { messageOf } from './control/failure.ts';

/** What `--json` prints: one document, whatever happens. */
interface JsonDocument {
  readonly ok: boolean;
  readonly data?: unknown;
  readonly warnings: readonly string[];
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string };
}

/** A command about the daemon of one state folder. It never starts one. */
export abstract class DaemonCommand extends Command {
  static override enableJsonFlag = true;
  static override baseFlags = {
    'state-home': Flags.directory({
      summary: 'Where state is kept [env: CLUSTERNATOR_STATE_HOME].',
      helpGroup: 'GLOBAL',
      helpValue: '<folder>',
    }),
  };

  protected paths(stateHome: string | undefined): LocalPaths {
    const env = { ...process.env, ...(stateHome !== undefined && { CLUSTERNATOR_STATE_HOME: stateHome }) };
    return openLocalPaths(stateFolderOf(env), env);
  }

  protected override toSuccessJson(data: unknown): JsonDocument {
    return { ok: true, data, warnings: [] };
  }

  protected override toErrorJson(cause: unknown): JsonDocument {
    const message = messageOf(cause);
    const code = ProviderError.is(cause) ? cause.code : 'internal';
    const hint = ProviderError.is(cause) ? cause.detail.hint : undefined;
    return { ok: false, warnings: [], error: { code, message, ...(hint !== undefined && { hint }) } };
  }

  protected override async catch(cause: Error & { exitCode?: number }): Promise<unknown> {
    if (this.jsonEnabled() || !ProviderError.is(cause)) return super.catch(cause);
    const { hint } = cause.detail;
    this.error(hint === undefined ? cause.message : `${cause.message}\n${hint}`, { exit: 1 });
  }
}
