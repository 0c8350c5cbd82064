import type { Command, Interfaces } from '@oclif/core';
import { expect, test } from '@jest/globals';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const folder = join(import.meta.dirname, 'commands');

async function commands(): Promise<Map<string, typeof Command>> {
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.ts')).sort();
  const all = new Map<string, typeof Command>();
  for (const file of files) {
    const module = (await import(join(folder, file))) as { default: typeof Command };
    all.set(file.replace(/\.ts$/, '').replaceAll('/', ' '), module.default);
  }
  return all;
}

function flagText([name, flag]: [string, Interfaces.Flag<unknown>]): string {
  const marks = [
    ...(flag.required ? ['required'] : []),
    ...(flag.hidden ? ['hidden'] : []),
    ...(flag.type === 'boolean' && flag.allowNo ? ['--no-'] : []),
    ...(flag.type === 'option' && flag.multiple ? ['repeatable'] : []),
    ...(flag.exclusive ? [`not with ${flag.exclusive.map(String).join(', ')}`] : []),
  ];
  return [`${flag.char ? `-${flag.char}, ` : ''}--${name}`, flag.type, ...marks].join('; ');
}

test('commands, arguments and flags are what people and scripts rely on: change them on purpose', async () => {
  const seen = Object.fromEntries(
    [...(await commands())].map(([id, command]) => [
      id,
      {
        args: Object.entries(command.args).map(([name, arg]) => `${name}${arg.required ? '' : '?'}`),
        flags: Object.entries({ ...command.baseFlags, ...command.flags })
          .map(flagText)
          .sort(),
      },
    ]),
  );
  expect(seen).toMatchSnapshot();
});

test('every command says what it is for, shows an example, and answers in JSON', async () => {
  for (const [id, command] of await commands()) {
    expect({ id, summary: command.summary }).toEqual({ id, summary: expect.stringMatching(/^[A-Z].*\.$/) });
    expect({ id, examples: command.examples.length }).not.toEqual({ id, examples: 0 });
    expect({ id, json: command.enableJsonFlag }).toEqual({ id, json: true });
    for (const [name, flag] of Object.entries({ ...command.flags })) {
      expect({ id, name, summary: flag.summary }).toEqual({ id, name, summary: expect.stringMatching(/\S/) });
    }
  }
});

test('commands parse and print, services work: a command file is short', async () => {
  for (const file of (await readdir(folder, { recursive: true })).filter((one) => one.endsWith('.ts'))) {
    const lines = (await readFile(join(folder, file), 'utf8')).split('\n').length;
    expect({ file, isShort: lines <= 110 }).toEqual({ file, isShort: true });
  }
});
