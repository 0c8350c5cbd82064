import type { CaseResult, Report } from '../kit/report.ts';
import { callsText, WORD } from './text.ts';

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 0 auto; padding: 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid #8884; }
.passed { color: light-dark(#0a6b2d, #5fd38a); } .failed { color: light-dark(#b3261e, #ff8a80); font-weight: bold; }
.incapable, .not-run { color: light-dark(#595959, #b5b5b5); }
pre { white-space: pre-wrap; margin: .3rem 0; } .number { text-align: right; }
`;

/** One page with nothing to load. */
export function reportHtml(report: Report): string {
  const groups = [...new Set(report.cases.map(({ group }) => group))];
  const { passed, failed, incapable, 'not-run': notRun } = report.totals;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Conformance of provider ${escaped(report.provider)}</title>
<style>${STYLE}</style>
<main>
<h1>Conformance of provider ${escaped(report.provider)}</h1>
<p>${String(passed)} passed, ${String(failed)} failed, ${String(incapable)} not capable, ${String(notRun)} not run. Kit ${escaped(report.kit)}, ${escaped(report.startedAt)}, ${report.seconds.toFixed(1)} s.</p>
${groups
  .map((group) =>
    section(
      group,
      report.cases.filter((one) => one.group === group),
    ),
  )
  .join('\n')}
<h2>Mutating calls on the wire</h2>
<table><thead><tr><th>verb</th><th>calls at most, of its floor</th></tr></thead><tbody>
${report.wireCalls.map(({ verb, calls, floor }) => `<tr><td>${escaped(verb)}</td><td>${callsText(calls, floor)}</td></tr>`).join('\n')}
</tbody></table>
</main>
</html>
`;
}

function section(group: string, cases: readonly CaseResult[]): string {
  return `<h2>${escaped(group)}</h2>
<table><thead><tr><th class="number">no.</th><th>case</th><th>outcome</th></tr></thead><tbody>
${cases.map(row).join('\n')}
</tbody></table>`;
}

function row({ number, title, id, outcome, note, error }: CaseResult): string {
  const more = [
    ...(note === undefined ? [] : [`<br>${escaped(note)}`]),
    ...(error === undefined ? [] : [`<pre>${escaped(error)}</pre>`]),
  ].join('');
  return `<tr><td class="number">${String(number)}</td><td title="${escaped(id)}">${escaped(title)}${more}</td><td class="${outcome}">${WORD[outcome]}</td></tr>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
