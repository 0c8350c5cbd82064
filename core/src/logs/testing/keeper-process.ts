// Run as a process of its own: keeps the lines of a log that goes on, until it is killed.
import { KeptLogs } from '../kept-logs.ts';
import { lineOf } from './lines.ts';

const [root = '', id = '', lines = '0'] = process.argv.slice(2);
const logs = new KeptLogs(root);
const writer = logs.open({ id, endedAt: new Date(0), until: new Date(1), maxBytes: 2 ** 30 });
for (let number = Number(writer.cursor ?? 0) + 1; number <= Number(lines); number++) {
  writer.append(lineOf(number));
  if (number % 100 === 0) process.stdout.write('.');
}
writer.close();
