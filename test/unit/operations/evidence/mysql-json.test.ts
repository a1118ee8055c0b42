import { describe, expect, it } from 'vitest';
import { mysqlJsonText } from '../../../../src/operations/evidence/mysql-json.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('binary JSON', () => {
  it.each([
    ['an object', '00 0100 0c00 0b00 0100 050100 61', '{"a": 1}'],
    ['an array', '02 0200 0c00 05ffff 0c0a00 0178', '[-1, "x"]'],
    ['an array in large form', '03 01000000 11000000 07 01000080', '[-2147483647]'],
    ['literals', '02 0300 0d00 040000 040100 040200', '[null, true, false]'],
    ['a whole number that is a DOUBLE', '0b 000000000000f03f', '1.0'],
    ['a DOUBLE', '0b 9a9999999999b93f', '0.1'],
    ['a large number', '0a ffffffffffffffff', '18446744073709551615'],
    ['nothing', '', 'null'],
  ])('becomes text: %s', (_name, image, text) => {
    const inexact: string[] = [];
    expect(mysqlJsonText(hex(image), (what) => inexact.push(what))).toBe(text);
    expect(inexact).toEqual([]);
  });

  it('says what no text gives back as it was', () => {
    const inexact: string[] = [];
    expect(mysqlJsonText(hex('0f f6 02 0201'), (what) => inexact.push(what))).toBe('"base64:type246:AgE="');
    mysqlJsonText(hex('06 0100'), (what) => inexact.push(what));
    expect(inexact).toEqual(['a value of type 246', 'an unsigned number']);
  });

  it('reads strings whose length takes two bytes', () => {
    expect(mysqlJsonText(Buffer.concat([hex('0c c801'), Buffer.alloc(200, 'x')]))).toBe(`"${'x'.repeat(200)}"`);
  });
});
