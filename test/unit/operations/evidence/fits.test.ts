import { describe, expect, it } from 'vitest';
import { choicesOf } from '../../../../src/operations/evidence/choices.ts';
import { COLUMN_TYPE as T } from '../../../../src/operations/evidence/column-type.ts';
import { misfit } from '../../../../src/operations/evidence/fits.ts';
import type { MappedTable } from '../../../../src/operations/evidence/mapped-table.ts';

/** What does not fit between one column of the rows, which may be NULL, and a definition of it. */
function misfitOf(type: number, size: number, definition: string, more: object = {}): string | null {
  const columns = [{ type, size, scale: 2 }];
  const table = { columns, nullable: Buffer.from([1]) } as unknown as MappedTable;
  const column = { name: 'c', type: definition, charset: 'utf8mb4', generated: false, nullable: true, ...more };
  return misfit(table, { source: 'backup', from: 'a backup', columns: [column], primaryKey: [] });
}

describe('a definition', () => {
  it.each([
    ['VARCHAR', T.VARCHAR, 40, 'varchar(10)', 'varchar(20)'],
    ['CHAR', T.STRING, 40, 'char(10)', 'char(9)'],
    ['DECIMAL', T.NEWDECIMAL, 10, 'decimal(10,2)', 'decimal(10,3)'],
    ['BIT', T.BIT, 9, 'bit(9)', 'bit(10)'],
    ['DATETIME', T.DATETIME2, 6, 'datetime(6)', 'datetime'],
    ['TIME', T.TIME2, 0, 'time', 'time(3)'],
    ['TEXT', T.BLOB, 3, 'mediumtext', 'text'],
    ['ENUM', T.ENUM, 1, "enum('a','b')", `enum(${Array.from({ length: 300 }, (_, n) => `'${n}'`).join(',')})`],
    ['SET', T.SET, 1, "set('a','b')", "set('1','2','3','4','5','6','7','8','9')"],
  ])('fits rows by its lengths, not only by its types: %s', (_name, type, size, own, other) => {
    expect(misfitOf(type, size, own)).toBeNull();
    expect(misfitOf(type, size, other)).toContain(other);
  });

  it('fits rows by what may be NULL', () => {
    expect(misfitOf(T.LONG, 0, 'int(11)', { nullable: false })).toContain('cannot be NULL');
  });
});

describe('the values of an ENUM', () => {
  it('stand as they are, whatever is escaped where they are defined', () => {
    const type = String.raw`enum('a\\b','it''s','c,d','line\nend','\\')`;
    expect(choicesOf(type)).toEqual(['a\\b', "it's", 'c,d', 'line\nend', '\\']);
  });
});
