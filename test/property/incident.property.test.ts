import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classify } from '../../src/incident/classify.ts';
import { dialectOf, type Dialect } from '../../src/incident/dialect.ts';
import { mayDestroy } from '../../src/incident/may-destroy.ts';
import { MAX_STATEMENT_CHARACTERS, redactStatement } from '../../src/incident/redact.ts';
import { Tokenizer, type Token } from '../../src/incident/tokenizer.ts';
import { ANSI_QUOTES, aQuery, MARIADB, MYSQL_56, MYSQL_84, summary } from '../unit/incident/statements.ts';

const source = fc.constantFrom(MARIADB, MYSQL_56, MYSQL_84);
const dialect: fc.Arbitrary<Dialect> = fc
  .tuple(source, fc.nat(), fc.boolean())
  .map(([server, sqlMode, nbspIsBlank]) => dialectOf(server, sqlMode, nbspIsBlank));

/** Statements made of what makes trouble: quotes, comment marks, keywords, characters outside ASCII. */
const PIECES =
  'DROP TABLE DATABASE TRUNCATE SET STATEMENT FOR IF EXISTS ALTER COLUMN PARTITION RENAME TO CREATE OR REPLACE INSERT INTO SELECT VALUES DELETE FROM UPDATE WHERE JOIN USING WITH IDENTIFIED BY PASSWORD a . , ; ( ) = \' " ` \\ /* */ /*! /*!50001 /*!999999 /*M! # -- @ é ソ 😀 1e5 0x'.split(
    ' ',
  );
const statement = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(fc.constantFrom(...PIECES, ' ', '\n', '\u00a0', '\0', '--\t'), { maxLength: 40 })
    .map((pieces) => pieces.join('')),
);

function tokensOf(text: string, how: Dialect): Token[] {
  const tokenizer = new Tokenizer(text, how);
  const tokens: Token[] = [];
  for (let token = tokenizer.next(); token.kind !== 'end'; token = tokenizer.next()) tokens.push(token);
  return tokens;
}

describe('the tokenizer', () => {
  it('ends, with tokens in order that do not overlap and lie in the text', () => {
    fc.assert(
      fc.property(statement, dialect, (text, how) => {
        let reached = 0;
        for (const { start, end } of tokensOf(text, how)) {
          expect(start).toBeGreaterThanOrEqual(reached);
          expect(end).toBeGreaterThan(start);
          reached = end;
        }
        expect(reached).toBeLessThanOrEqual(text.length);
      }),
    );
  });

  it('passes over nothing but white space and comments: its tokens alone are the same statement', () => {
    fc.assert(
      fc.property(statement, dialect, (text, how) => {
        const tokens = tokensOf(text, how);
        const alone = tokens.map(({ start, end }) => text.slice(start, end)).join(' ');
        const shape = ({ kind, text: inside }: Token): string => `${kind} ${inside}`;
        expect(tokensOf(alone, how).map(shape)).toEqual(tokens.map(shape));
      }),
    );
  });

  it('leaves only white space and comments between tokens', () => {
    fc.assert(
      fc.property(statement, dialect, (text, how) => {
        let at = 0;
        for (const { start, end } of [...tokensOf(text, how), { start: text.length, end: text.length }]) {
          const gap = text.slice(at, start);
          if (gap !== '') expect(gap).toMatch(/^(?:[ \t\n\v\f\r\u00a0]|\/\*|\*\/|--|#)/);
          at = end;
        }
      }),
    );
  });

  it('gives any quoted name back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), dialect, (name, how) => {
        const quoted = tokensOf(`\`${name.replaceAll('`', '``')}\``, how);
        expect(quoted).toMatchObject([{ kind: 'name', text: name }]);
        const ansi = tokensOf(`"${name.replaceAll('"', '""')}"`, { ...how, ansiQuotes: true });
        expect(ansi).toMatchObject([{ kind: 'name', text: name }]);
      }),
    );
  });
});

describe('classify', () => {
  const name = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !text.includes('\ufffd'));
  const quote = (text: string): string => `\`${text.replaceAll('`', '``')}\``;
  const blank = fc.constantFrom(' ', '\n', '\t', '/**/', '/* DROP TABLE x */', '-- y\n', '# z\n', '/*!50001 */');
  const anyCase = (word: string): fc.Arbitrary<string> =>
    fc
      .tuple(...Array.from(word, () => fc.boolean()))
      .map((upper) => Array.from(word, (letter, at) => (upper[at] === true ? letter : letter.toLowerCase())).join(''));

  it('never throws, whatever the bytes, the mode and the character set', () => {
    const bytes = fc.oneof(
      fc.uint8Array().map((array) => Buffer.from(array)),
      statement.map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(bytes, source, fc.nat(), fc.nat(4000), (text, server, sqlMode, clientCharset) => {
        classify(aQuery(text, { sqlMode, clientCharset }), server);
      }),
    );
  });

  it('finds any table by any name, in any case and spacing', () => {
    fc.assert(
      fc.property(
        anyCase('DROP'),
        anyCase('TABLE'),
        blank,
        name,
        name,
        source,
        (drop, table, gap, schema, table1, server) => {
          const text = `${gap}${drop}${gap}${table}${gap}${quote(schema)}${gap}.${gap}${quote(table1)}${gap}`;
          expect(classify(aQuery(text), server)).toMatchObject({
            form: { kind: 'drop-table' },
            objects: [{ schema, name: table1, type: 'table' }],
            suspicious: false,
          });
        },
      ),
    );
  });

  it('reads the same under ANSI quotes', () => {
    fc.assert(
      fc.property(name, (table) => {
        const ansi = `TRUNCATE "${table.replaceAll('"', '""')}"`;
        const plain = `TRUNCATE ${quote(table)}`;
        const found = classify(aQuery(ansi, { sqlMode: ANSI_QUOTES }), MARIADB);
        expect(summary(found)).toBe(summary(classify(aQuery(plain), MARIADB)));
      }),
    );
  });

  it('never finds what a statement has in a string', () => {
    fc.assert(
      fc.property(statement, source, (text, server) => {
        const literal = `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
        expect(classify(aQuery(`INSERT INTO a VALUES (${literal})`), server)).toBeNull();
      }),
    );
  });

  it('finds the same in a statement that it may not pass over by its bytes', () => {
    const rows = fc
      .tuple(fc.constantFrom('DELETE FROM a ', 'UPDATE a SET ', 'INSERT INTO a ', 'REPLACE a ', ''), statement)
      .map((parts) => parts.join(''));
    const event = fc.record({ sqlMode: fc.nat(), clientCharset: fc.constantFrom(8, 13, 28, 33, 45, 63, null) });
    fc.assert(
      fc.property(rows, source, event, (text, server, overrides) => {
        const found = (bytes: string): string => summary(classify(aQuery(bytes, overrides), server));
        expect(found(text)).toBe(found(`#\n${text}`));
      }),
      { numRuns: 1000 },
    );
  });

  it('passes over most rows that a log has, undecoded', () => {
    const literal = fc.string().map((text) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`);
    fc.assert(
      fc.property(name, literal, fc.nat(), (table, value, id) => {
        const statements = [
          `INSERT INTO ${quote(table)} (id, c) VALUES (${id}, ${value})`,
          `UPDATE ${quote(table)} SET c = ${value} WHERE id = ${id}`,
          `DELETE FROM ${quote(table)} WHERE c = ${value}`,
        ];
        expect(statements.map((text) => mayDestroy(aQuery(text)))).toEqual([false, false, false]);
      }),
    );
  });

  it.each(PIECES)('reads a hundred thousand characters of %j in a time that grows with their number only', (piece) => {
    const many = Array.from({ length: Math.ceil(100_000 / (piece.length + 1)) }, () => piece);
    for (const text of [many.join(' '), `ALTER TABLE a ${many.join('')}`, `UPDATE ${many.join(',')}`]) {
      classify(aQuery(text), MARIADB);
      redactStatement(text, dialectOf(MARIADB, 0, false));
    }
  });
});

describe('redactStatement', () => {
  it('gives at most so many characters, and never the secret', () => {
    const secret = fc.stringMatching(/^[A-Za-z0-9]{8,40}$/).map((text) => `secret${text}`);
    fc.assert(
      fc.property(statement, secret, dialect, (text, password, how) => {
        const redacted = redactStatement(`SET PASSWORD = '${password}' ${text}`, how);
        expect(redacted.length).toBeLessThanOrEqual(MAX_STATEMENT_CHARACTERS);
        expect(redacted).not.toContain(password);
      }),
    );
  });
});
