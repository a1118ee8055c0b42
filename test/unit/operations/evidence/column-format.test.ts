import { describe, expect, it } from 'vitest';
import { formatOf } from '../../../../src/operations/evidence/column-format.ts';
import { COLUMN_TYPE as T } from '../../../../src/operations/evidence/column-type.ts';
import type { ColumnDefinition } from '../../../../src/operations/evidence/table-definition.ts';

function format(type: number, definition: Partial<ColumnDefinition> = {}, size = 0): ReturnType<typeof formatOf> {
  const column = { name: 'c', type: '', charset: null, generated: false, ...definition };
  return formatOf({ type, size, scale: 0 }, column);
}

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

describe('a value from a row image', () => {
  it.each([
    ['TINYINT', T.TINY, 'tinyint(4)', 128, '-128'],
    ['TINYINT UNSIGNED', T.TINY, 'tinyint(3) unsigned', 255, '255'],
    ['MEDIUMINT', T.INT24, 'mediumint(9)', 0xffffff, '-1'],
    ['BIGINT', T.LONGLONG, 'bigint(20)', '9223372036854775808', '-9223372036854775808'],
    ['BIGINT UNSIGNED', T.LONGLONG, 'bigint(20) unsigned', '18446744073709551615', '18446744073709551615'],
    ['DECIMAL', T.NEWDECIMAL, 'decimal(30,10)', '-12345678901234567890.1234567890', '-12345678901234567890.1234567890'],
    ['DOUBLE', T.DOUBLE, 'double', 1e300, '1e+300'],
    ['DOUBLE, a whole number', T.DOUBLE, 'double', 3, '3e0'],
    ['DOUBLE, minus nothing', T.DOUBLE, 'double', -0, '-0e0'],
    ['FLOAT, all its digits', T.FLOAT, 'float', Math.fround(0.1), '0.10000000149011612e0'],
    ['YEAR 0000', T.YEAR, 'year(4)', 1900, "'0000'"],
    ['DATE', T.DATE, 'date', '0000-00-00', "'0000-00-00'"],
    ['TIMESTAMP', T.TIMESTAMP2, 'timestamp', '2026-11-22 10:00:00', "'2026-11-22 10:00:00'"],
    ['TIMESTAMP of nothing', T.TIMESTAMP2, 'timestamp', '0000-00-00 00:00:00', "'0000-00-00 00:00:00'"],
    ['TIMESTAMP after 2038', T.TIMESTAMP2, 'timestamp(2)', '1901-12-13 20:45:52.25', "'2038-01-19 03:14:08.25'"],
    ['BIT', T.BIT, 'bit(9)', hex('0155'), '341'],
    ['BIT of 64', T.BIT, 'bit(64)', hex('ffffffffffffffff'), '18446744073709551615'],
    ['ENUM', T.ENUM, "enum('a','b,c')", hex('02'), '2'],
    ['SET', T.SET, "set('a','b','c')", hex('0500'), '5'],
    ['GEOMETRY', T.GEOMETRY, 'point', hex('e6100000010100'), "x'E6100000010100'"],
  ])('is written as SQL: %s', (_name, type, definition, value, sql) => {
    expect(format(type, { type: definition }).sql(value)).toBe(sql);
  });

  it.each([
    ['a name', T.ENUM, "enum('a','b,c','d''e')", hex('03'), "d'e"],
    ['no name', T.ENUM, "enum('a')", hex('00'), ''],
    ['names', T.SET, "set('a','b','c')", hex('05'), 'a,c'],
    ['a FLOAT without the digits that mean nothing', T.FLOAT, 'float', Math.fround(0.1), '0.1'],
  ])('is shown to people: %s', (_name, type, definition, value, text) => {
    expect(format(type, { type: definition }).text(value)).toBe(text);
  });

  // The images are those that MariaDB 10.11 and MySQL 5.6 write.
  it.each([
    ['838:59:59', 'b46efb', 0],
    ['-00:01:00', '7fffc0', 0],
    ['-838:59:59', '4b9105', 0],
    ['-00:00:00.1', '7ffffff6', 1],
    ['-00:00:00.00001', '7ffffffffff6', 5],
    ['12:34:56.789', '80c8b81ed2', 3],
  ])('keeps the sign, the hours and the fraction of the TIME %s', (text, image, decimals) => {
    expect(format(T.TIME2, {}, decimals).text(hex(image))).toBe(text);
  });

  it('reads the TIME of servers before MySQL 5.6', () => {
    const image = Buffer.alloc(3);
    image.writeIntLE(-8385959, 0, 3);
    expect(format(T.TIME).sql(image)).toBe("'-838:59:59'");
  });
});

describe('text', () => {
  const sql = (charset: string | null, bytes: Buffer, type: number = T.VARCHAR): string =>
    format(type, { charset }, 4).sql(bytes);

  it('is quoted where its bytes surely mean the same, else written as they are', () => {
    expect(sql('utf8mb4', Buffer.from("it's \\ ü\n\0"))).toBe("'it''s \\\\ ü\\n\\0'");
    expect(sql('latin1', Buffer.from('plain'))).toBe("'plain'");
    expect(sql('latin1', hex('fc'))).toBe("x'FC'");
    expect(sql('utf8mb4', hex('fc'))).toBe("x'FC'");
    expect(sql('utf16', hex('0041'))).toBe("x'0041'");
    expect(sql('unknown', Buffer.from('a'))).toBe("x'61'");
    expect(sql('utf8mb4', Buffer.from('\x07'))).toBe("x'07'");
    expect(sql('utf8mb4', Buffer.alloc(0))).toBe("''");
  });

  it('of a BINARY column has its zeros again, of a VARBINARY what it had', () => {
    expect(sql(null, hex('01'), T.STRING)).toBe("x'01000000'");
    expect(sql(null, hex('01'), T.VARCHAR)).toBe("x'01'");
  });

  it('is decoded for people, and shown as bytes where it has no characters', () => {
    expect(format(T.VARCHAR, { charset: 'latin1' }).text(hex('80fc'))).toBe('€ü');
    expect(format(T.VARCHAR, { charset: 'latin1' }).text(hex('ff3f'))).toBe('ÿ?');
    expect(format(T.VARCHAR, { charset: 'sjis' }).text(hex('835c'))).toBe('ソ');
    expect(format(T.VARCHAR, { charset: 'utf8mb4' }).text(hex('ff'))).toBe('0xFF');
  });
});
