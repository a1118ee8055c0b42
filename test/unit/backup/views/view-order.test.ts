import { describe, expect, it } from 'vitest';
import { namesIn, orderViews, viewKey, type ViewKey } from '../../../../src/backup/views/view-order.ts';

const key = (table: string): ViewKey => viewKey({ schema: 's', table });
const view = (table: string, ...reads: string[]): { key: ViewKey; reads: Set<ViewKey> } => ({
  key: key(table),
  reads: new Set(reads.map(key)),
});
const order = (...views: ReturnType<typeof view>[]): string[] => orderViews(views).map((each) => each.key);

describe('the names in a definition', () => {
  it('are all that stand with their schema, whatever they are made of', () => {
    const names = namesIn('select `z`.`a``b` AS `c d`,`s`.`f`() from (`s`.`t` `z` join `s ``. x`.`u`)');
    for (const table of ['t', 'f']) expect(names).toContain(key(table));
    expect(names).toContain(viewKey({ schema: 's `. x', table: 'u' }));
    expect(namesIn('from `s``.`.```v```')).toContain(viewKey({ schema: 's`.', table: '`v`' }));
  });

  it('are found behind a text with quotes in it, however that is escaped', () => {
    for (const text of ["'it''s `'", "'a\\'`b'", "'c\\'", "'`x`.'", "_utf8mb4'\\\\`'"])
      expect(namesIn(`select ${text} AS \`t\` from \`s\`.\`v\``)).toContain(key('v'));
  });
});

describe('the order of views', () => {
  it('puts each behind what it reads, and else leaves them as they are', () => {
    expect(order(view('a', 'z'), view('b'), view('z', 'y', 'no view'), view('y'))).toEqual(
      ['y', 'z', 'a', 'b'].map(key),
    );
  });

  it('has every view once, also where a name only looks like one that is read', () => {
    expect(order(view('a', 'b', 'a'), view('b', 'c'), view('c', 'a')).sort()).toEqual(['a', 'b', 'c'].map(key));
  });
});
