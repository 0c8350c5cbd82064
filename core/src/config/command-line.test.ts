import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { splitCommand } from './command-line.ts';

test('a command is split at its blanks, and quotes keep them', () => {
  expect(splitCommand('npm run build')).toEqual({ argv: ['npm', 'run', 'build'] });
  expect(splitCommand(`node -e 'console.log("a b")' ""`)).toEqual({ argv: ['node', '-e', 'console.log("a b")', ''] });
  expect(splitCommand(`echo 'a && b | c; $(d) \`e\` > f'`)).toEqual({ argv: ['echo', 'a && b | c; $(d) `e` > f'] });
  expect(splitCommand('  node  server.js\n')).toEqual({ argv: ['node', 'server.js'] });
  expect(splitCommand('node server.js --cost=5$ a=b 100%')).toEqual({
    argv: ['node', 'server.js', '--cost=5$', 'a=b', '100%'],
  });
});

test('what only a shell understands is a problem, with the form that a shell reads', () => {
  const commands = [
    'a && b',
    'a || b',
    'a | b',
    'a; b',
    'a > b',
    'a < b',
    'a &',
    'a $(b)',
    'a `b`',
    'a $B',
    'a ${B}',
    'a "$B"',
    'A=1 b',
    'a\nb',
    'a\\ b',
    "a 'b",
  ];
  for (const command of commands) {
    const split = splitCommand(command);
    expect(split).toHaveProperty('message');
    expect(split).toHaveProperty('hint', expect.stringContaining('[sh, -c, '));
  }
  expect(splitCommand("npm ci && echo 'done'")).toMatchObject({
    hint: "if a shell is to read it: [sh, -c, 'npm ci && echo ''done''']",
  });
});

test('nothing is no command', () => {
  for (const command of ['', '   ', '""', "''  x"])
    expect(splitCommand(command)).toMatchObject({ message: 'is empty' });
});

test('any text is split or is a problem, and outside of quotes no backtick comes through', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const split = splitCommand(text);
      const hasQuotes = /['"]/.test(text);
      if ('argv' in split) expect(hasQuotes || !split.argv.join('').includes('`')).toBe(true);
      else expect(split.hint).not.toBe('');
    }),
    { examples: [["'`'"], ['`'], ['a `b`']] },
  );
});

test('whatever stands in single quotes is one argument, as it is', () => {
  const word = fc.string().map((text) => text.replaceAll("'", ''));
  fc.assert(
    fc.property(word, (text) => {
      expect(splitCommand(`run '${text}' x`)).toEqual({ argv: ['run', text, 'x'] });
    }),
  );
});
