import { ProviderError } from '@clusternator/core';
import { Flags } from '@oclif/core';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { ProjectCommand } from '../../project-command.ts';

export default class StateExport extends ProjectCommand<typeof StateExport> {
  static override summary = 'Print all state documents, one JSON object a line; also from a store that is damaged.';
  static override examples = [
    '<%= config.bin %> state export > state.jsonl',
    '<%= config.bin %> state export --output state.jsonl',
  ];
  static override flags = {
    output: Flags.string({ char: 'o', summary: 'Write to this new file.', helpValue: '<file>' }),
  };

  async run(): Promise<{ documents: number; file?: string } | { documents: unknown[] }> {
    const project = await this.project;
    if (this.flags.output !== undefined) return this.#toFile(this.flags.output);
    const json = this.jsonEnabled();
    const documents: unknown[] = [];
    for await (const document of project.exportState()) {
      if (json) documents.push(document);
      else if (!process.stdout.write(`${JSON.stringify(document)}\n`)) await once(process.stdout, 'drain');
    }
    return { documents };
  }

  async #toFile(path: string): Promise<{ documents: number; file: string }> {
    const file = await open(path, 'wx', 0o600).catch((cause: unknown) => {
      throw new ProviderError('invalid', `can't make the file ${path}`, {
        path: '--output',
        hint: 'it must be new',
        cause,
      });
    });
    let count = 0;
    try {
      for await (const document of (await this.project).exportState()) {
        await file.write(`${JSON.stringify(document)}\n`);
        count += 1;
      }
    } finally {
      await file.close();
    }
    this.note(`${String(count)} documents are in ${path}.`);
    return { documents: count, file: path };
  }
}
