import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const reportSchema = z.looseObject({
  schema: z.literal(1),
  provider: z.string(),
  kit: z.string(),
  startedAt: z.string(),
  passed: z.boolean(),
  totals: z.object({ passed: z.number(), failed: z.number(), incapable: z.number(), 'not-run': z.number() }),
});
/** What the conformance kit found, as a provider's package ships it. */
export type ShippedReport = z.output<typeof reportSchema>;

const manifestSchema = z.object({
  clusternator: z.object({ conformance: z.object({ report: z.string().startsWith('./') }) }),
});

/** The report that a provider's package ships. Undefined: none, or none that can be read. */
export async function readConformance(root: string): Promise<ShippedReport | undefined> {
  const file = await conformanceReportOf(root);
  return file === undefined ? undefined : reportSchema.safeParse(await readJson(join(root, file))).data;
}

/** Where a package's manifest says that it ships its report, relative to the package. */
export async function conformanceReportOf(root: string): Promise<string | undefined> {
  const manifest = manifestSchema.safeParse(await readJson(join(root, 'package.json')));
  return manifest.data?.clusternator.conformance.report;
}

/** In one line. The package says so itself: `provider test` finds out. */
export function conformanceLine(report: ShippedReport | undefined): string {
  if (!report) return 'conformance: it ships no report';
  const { passed, failed, incapable, 'not-run': notRun } = report.totals;
  const counts = `${String(passed)} passed, ${String(failed)} failed, ${String(incapable)} not capable, ${String(notRun)} not run`;
  const day = report.startedAt.slice(0, 10);
  return `conformance: ${report.passed ? 'passed' : 'NOT passed'} (${counts}; kit ${report.kit}, ${day}), as the package says`;
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    return undefined;
  }
}
