/**
 * Writes the report that this package ships: `node --experimental-transform-types providers/local/scripts/report.mjs`, a minute or two. The
 * unit tests compare its outcomes with their own.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { reportText, runKit } from '@clusternator/conformance';

import harness from '../src/testing/conformance-harness.ts';

const report = await runKit(harness);
await writeFile(path.join(import.meta.dirname, '..', 'conformance.json'), `${JSON.stringify(report, null, 2)}\n`);
console.log(reportText(report));
