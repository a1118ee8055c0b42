import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { expect, it } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { PAGES, readPage, ROOT } from './markdown.ts';

const program = await createProgram(new AbortController().signal);

/** What is to be typed stands in backticks. */
const TYPED = /`lastgood ([^`]+)`/g;

/** In a page also in blocks of their own, a line each; of others every line begins with four blanks. */
const BLOCK = /^```sh\n(.*?)^```$/gms;
const INDENTED = /^ {4}lastgood (.+)$/gm;

/** What keys are derived from, and no command. */
const NO_COMMANDS = /^(?:segment [<$]|key id$)/;

/** What is behind the command itself: another one, a comment, or where its output goes. */
const BEHIND = /\s(?:\||>|&&|;|#).*$/;

/** Why nobody can type it; null when it can be. */
function fault(line: string): string | null {
  const [name = '', inner = ''] = line.split(/\s+/);
  if (!/^[a-z][a-z-]+$/.test(name)) return null; // options only, or a word to be filled in
  const command = program.commands.find((one) => one.name() === name);
  if (command === undefined) return `lastgood ${line}: no such command`;
  const within = command.commands.find((one) => one.name() === inner);
  const known = new Set(['--help', ...[program, command, within].flatMap(flagsOf)]);
  const unknown = (line.replace(BEHIND, '').match(/--[a-z][a-z-]*/g) ?? []).filter((flag) => !known.has(flag));
  return unknown.length === 0 ? null : `lastgood ${line}: no ${unknown.join(', ')}`;
}

function flagsOf(command: Command | undefined): string[] {
  return (command?.options ?? []).flatMap(({ long }) => long ?? []);
}

/** The faults of all commands in a text, and how many there were. */
function faultsIn(text: string): { faults: string[]; commands: number } {
  const lines = [...text.matchAll(TYPED)].map(([, line = '']) => line).filter((line) => !NO_COMMANDS.test(line));
  return { faults: lines.flatMap((line) => fault(line) ?? []), commands: lines.length };
}

it.each(PAGES)('%s has only commands that can be typed', (page) => {
  const text = readPage(page);
  const blocks = [...text.matchAll(BLOCK)].flatMap(([, lines = '']) => lines.split('\n'));
  const indented = [...text.matchAll(INDENTED)].map(([line]) => line.trim());
  const typed = [...blocks, ...indented].filter((line) => line.startsWith('lastgood ')).map((line) => `\`${line}\``);
  expect(faultsIn([text, ...typed].join('\n')).faults).toEqual([]);
});

it('hints, warnings and examples have only commands that can be typed', () => {
  const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  const texts = files
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(ROOT, 'src', name), 'utf8'));
  // In a template a backtick is escaped; an example is a text of its own.
  const text = texts
    .join('\n')
    .replaceAll('\\`', '`')
    .replaceAll(/'(lastgood [^'\n]+)'/g, '`$1`');
  const { faults, commands } = faultsIn(text);
  expect(commands).toBeGreaterThan(100);
  expect(faults).toEqual([]);
});
