import { expect, it } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { bare, readPage, section, tableRows } from './markdown.ts';

const program = await createProgram(new AbortController().signal);

it('README.md lists every command, and no other', () => {
  const documented = tableRows(section(readPage('README.md'), 'Commands')).map(
    ([command]) => bare(command).split(' ')[0],
  );
  expect([...documented].sort()).toEqual(program.commands.map((command) => command.name()).sort());
});

it('docs/cli-json.md describes the output of every command', () => {
  const page = readPage('docs/cli-json.md');
  const undocumented = program.commands
    .map((command) => command.name())
    .filter((name) => !new RegExp(`^## .*\`${name}\``, 'm').test(page));
  expect(undocumented).toEqual([]);
});
