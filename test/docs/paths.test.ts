import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PAGES, readPage, ROOT } from './markdown.ts';

/** What looks like a path of this repository, when it stands in backticks. */
const PATH = /`((?:src|test|docs|scripts|packaging|bin|bench|fixtures|\.ci|\.githooks)\/[\w./-]*)`/g;
const LINK = /\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g;

describe.each(PAGES)('%s', (page) => {
  const text = readPage(page);

  it('names only paths that exist', () => {
    const named = [...text.matchAll(PATH)].map(([, path]) => path ?? '');
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('links only to pages that exist', () => {
    const linked = [...text.matchAll(LINK)].map(([, path]) => path ?? '');
    expect(linked.filter((path) => !existsSync(join(ROOT, dirname(page), path)))).toEqual([]);
  });
});

it('ARCHITECTURE.md is short enough to be read', () => {
  expect(readPage('ARCHITECTURE.md').split('\n').length).toBeLessThanOrEqual(250);
});

it('every test that ARCHITECTURE.md names by its title exists', () => {
  const named = [...readPage('ARCHITECTURE.md').matchAll(/`(test\/[^`]+)`\s+"([^"]+)"/g)];
  expect(named.length).toBeGreaterThan(20);
  const missing = named.filter(([, path = '', title = '']) => !titlesOf(path).includes(title));
  expect(missing.map(([text]) => text)).toEqual([]);
});

/** The file without its escapes: a title with an apostrophe may be written with one. */
function titlesOf(path: string): string {
  return readPage(path).replaceAll('\\', '');
}
