import { describe, expect, it } from 'vitest';
import { ViewSections } from '../../../../src/backup/views/view-sections.ts';

describe('sections of views', () => {
  it('begin with their schema, and have all that they need, whichever of them are left out', async () => {
    const written: string[] = [];
    const accounts = { create: ['CREATE USER a'], drop: ['DROP USER a'] };
    const sections = new ViewSections(accounts, (sql) => Promise.resolve(void written.push(String(sql))));
    for (const [schema, sql] of [
      ['s', '1;\n'],
      ['s', '2;\n'],
      ['t`', '3;\n'],
      ['s', '4;\n'],
      ['a\nb', '5;\n'],
    ] as const)
      await sections.add(schema, sql);
    await sections.end();
    const parts = written.join('').split('\n--\n-- Current Database: ').slice(1);
    expect(parts.map((part) => part.slice(0, part.indexOf('\n')))).toEqual(['`s`', '`t```', '`s`', '`a']);
    expect(parts[3]).toContain('`a\n-- b`\n--\n\nUSE `a\nb`;\n');
    for (const part of parts)
      expect(part).toMatch(/\nUSE `.*;\nSET NAMES.*\nSET SESSION.*\nCREATE USER a;\n(\d;\n)+DROP USER a;\n$/s);
    expect(written.join('').match(/^\d/gm)).toEqual(['1', '2', '3', '4', '5']);
  });

  it('are none without views', async () => {
    const sections = new ViewSections({ create: [], drop: ['DROP USER a'] }, () =>
      Promise.reject(new Error('written')),
    );
    await sections.end();
  });
});
