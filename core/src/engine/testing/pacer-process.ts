/** A process that takes turns and tells when each came, in the machine's monotonic time: `pacer-process.ts <folder> <turns>`. */
import { testCall } from '../../state/testing/call.ts';
import { systemClock } from '../clock.ts';
import { openPacer } from '../pace.ts';
import { TEST_LIMITS } from './limits.ts';

const [folder = '', turns = '0'] = process.argv.slice(2);
const pacer = openPacer(folder, 'test', TEST_LIMITS, systemClock);
process.stdout.write('ready\n');
await new Promise((resolve) => process.stdin.once('data', resolve));
process.stdin.unref();
for (let turn = 0; turn < Number(turns); turn++) {
  await pacer.pace('writes', testCall());
  process.stdout.write(`turn ${systemClock.monotonicSeconds()}\n`);
}
pacer.close();
