import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ANSI_QUOTES, dialectOf } from '../../src/incident/dialect.ts';
import { Tokenizer, type Token } from '../../src/incident/tokenizer.ts';
import { renameSchema } from '../../src/operations/salvage/rename-schema.ts';

const PIECES = [
  'shop',
  '`shop`',
  '"shop"',
  'Shop',
  '.',
  ' . ',
  '@',
  '=',
  ' ',
  '\n',
  ',',
  '(',
  ')',
  't',
  '`t`',
  "'x'",
  '-- shop\n',
  '/* shop. */',
  '/*!50001 ',
  '*/',
  'SELECT',
  "'shop.t'",
  'shopping',
  '1.5',
  'é',
  '`a``b`',
];

function tokens(sql: string, ansi: boolean): Token[] {
  const tokenizer = new Tokenizer(
    sql,
    dialectOf({ flavor: 'mariadb', version: 101_119 }, ansi ? ANSI_QUOTES : 0, false),
  );
  const all: Token[] = [];
  for (let token = tokenizer.next(); token.kind !== 'end'; token = tokenizer.next()) all.push(token);
  return all;
}

it('changes nothing but the name of the schema, and leaves none of it behind', () => {
  const texts = fc.array(fc.constantFrom(...PIECES), { maxLength: 30 }).map((pieces) => pieces.join(''));
  fc.assert(
    fc.property(texts, fc.boolean(), (sql, ansi) => {
      const dialect = dialectOf({ flavor: 'mariadb', version: 101_119 }, ansi ? ANSI_QUOTES : 0, false);
      const { sql: renamed } = renameSchema(sql, { from: 'shop', to: 'sh op', dialect, caseSensitive: true });
      if (renamed === null) return;
      const [before, after] = [tokens(sql, ansi), tokens(renamed, ansi)];
      expect(after.length).toBe(before.length);
      after.forEach((token, at) => {
        const was = before[at];
        const isName = (kind: Token['kind'] | undefined): boolean => kind === 'name' || kind === 'word';
        if (token.text === was?.text && token.kind === was.kind) {
          // An account of that name is none of ours; everything else of that name is gone.
          if (isName(token.kind) && token.text === 'shop') expect(after[at - 1]?.text).toBe('=');
          return;
        }
        expect([was?.text, isName(was?.kind), token.kind, token.text]).toEqual(['shop', true, 'name', 'sh op']);
        expect(after[at + 1]?.text).toBe('.');
      });
    }),
    { numRuns: 2000 },
  );
});
