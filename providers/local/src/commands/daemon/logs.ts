import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Flags } from '@oclif/core';
import { DaemonCommand } from '../../daemon-command.ts';

interface LogsResult {
  readonly file: string;
  readonly lines: readonly string[];
}

export default class DaemonLogs extends DaemonCommand {
  static override summary = 'Show what the background process of the local provider wrote about itself.';
  static override examples = ['<%= config.bin %> daemon logs --follow'];
  static override flags = {
    lines: Flags.integer({ char: 'n', summary: 'How many of the newest lines to show.', default: 50, min: 0 }),
    follow: Flags.boolean({ char: 'f', summary: 'Go on with new lines until interrupted.', exclusive: ['json'] }),
  };

  async run(): Promise<LogsResult> {
    const { flags } = await this.parse(DaemonLogs);
    const { log: file } = this.paths(flags['state-home']);
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    const lines = flags.lines === 0 ? [] : text.split('\n').slice(0, -1).slice(-flags.lines);
    for (const line of lines) this.log(line);
    if (flags.follow) await follow(file, Buffer.byteLength(text));
    return { file, lines };
  }
}

/** Until the process is interrupted. A file that was cut is read from its start. */
async function follow(file: string, from: number): Promise<never> {
  for (let offset = from; ;) {
    await sleep(200);
    const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    if (size < offset) offset = 0;
    if (size === offset) continue;
    for await (const piece of createReadStream(file, { start: offset, end: size - 1 }))
      process.stdout.write(String(piece));
    offset = size;
  }
}
