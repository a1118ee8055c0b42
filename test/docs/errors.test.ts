import { expect, it } from 'vitest';
import { ERRORS } from '../../src/platform/errors.ts';
import { bare, readPage, section, tableRows } from './markdown.ts';

const page = readPage('docs/errors.md');

it('docs/errors.md lists every error code with its exit code, and no other, in the order of the table', () => {
  const documented = tableRows(section(page, 'Codes')).map(([code, exit]) => [bare(code), Number(exit)]);
  expect(documented).toEqual(Object.entries(ERRORS).map(([code, { exit }]) => [code, exit]));
});

it('docs/errors.md explains every exit code that an error can give', () => {
  const explained = tableRows(section(page, 'Exit codes')).map(([exit]) => Number(exit));
  const used = new Set(Object.values(ERRORS).map(({ exit }) => exit));
  expect([...explained].sort((a, b) => a - b)).toEqual([...new Set([0, 1, 3, ...used])].sort((a, b) => a - b));
});

it.each(Object.entries(ERRORS))('the hint of %s is a sentence', (_, { hint }) => {
  expect(hint).toMatch(/^[A-Z`].*[.?]$/);
});
