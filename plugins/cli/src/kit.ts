import { ProviderError } from '@clusternator/core';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** As much of the kit's report as is acted on here. */
export interface Report {
  readonly passed: boolean;
}
/** As much of a case's result as is told while the others run. */
export interface CaseResult {
  readonly id: string;
  readonly outcome: string;
  readonly error?: string;
}
interface RunOptions {
  readonly only?: readonly string[];
  readonly signal: AbortSignal;
  readonly onStart: (next: { readonly id: string; readonly at: number; readonly of: number }) => void;
  readonly onResult: (result: CaseResult) => void;
}

/** What `provider test` uses of the kit, which comes with the provider and not with us. */
export interface Kit {
  readonly loadHarness: (root: string) => Promise<unknown>;
  readonly runKit: (harness: unknown, options: RunOptions) => Promise<Report>;
  readonly reportText: (report: Report, options?: { readonly colours?: boolean }) => string;
  readonly reportHtml: (report: Report) => string;
  readonly reportBadge: (report: Report) => string;
}

/**
 * The kit that a provider's package was made with: it is a development dependency of that package, and none of ours.
 * @throws ProviderError `invalid`: it is not installed there.
 */
export async function kitOf(root: string, name: string): Promise<Kit> {
  let file: string;
  try {
    file = createRequire(join(root, 'package.json')).resolve('@clusternator/conformance');
  } catch (cause) {
    throw new ProviderError('invalid', `${name} has no conformance kit beside it`, {
      path: root,
      hint: 'in a clone of it: npm install --save-dev @clusternator/conformance, and name the clone: provider test <folder>',
      cause,
    });
  }
  return (await import(pathToFileURL(file).href)) as Kit; // of the version that the package chose
}
