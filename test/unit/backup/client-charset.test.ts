import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClientCharsets, clientReads } from '../../../src/backup/client-charset.ts';

const BEGIN = '\n/*!50003 SET @saved_col_connection = @@collation_connection */ ;';
const SET = '\n/*!50003 SET character_set_client  = ';
const END = `${SET}@saved_cs_client */ ;\n`;
const begin = (charset: string, delimiter = ';'): string =>
  `${BEGIN.replace(/;$/, delimiter)}${SET}${charset} */ ${delimiter}\n`;

function passed(dump: Buffer, sizes: readonly number[]): string {
  const charsets = new ClientCharsets();
  const pieces: Buffer[] = [];
  let at = 0;
  for (const size of sizes) {
    pieces.push(charsets.push(dump.subarray(at, at + size)));
    at += size;
  }
  return Buffer.concat([...pieces, charsets.push(dump.subarray(at)), charsets.end()]).toString('latin1');
}

describe('what a client has to be told of character sets', () => {
  it('is those in which half of a letter may look like a backslash, by names that it knows', () => {
    expect(clientReads('sjis')).toEqual({ before: '\\C sjis\n', after: '\\C utf8mb4\n' });
    expect(clientReads('gb18030').before).toBe('\\C gbk\n');
    for (const charset of ['latin1', 'utf8mb3', 'ujis', 'euckr']) expect(clientReads(charset).before).toBe('');
  });

  it('stands in a dump before a text in such a one and behind it', () => {
    const told = (dump: string): string => passed(Buffer.from(dump, 'latin1'), []);
    const before = (dump: string, charset: string): string =>
      dump.replace(`${SET}${charset}`, `\n\\C ${charset}${SET}${charset}`).replace(END, `\n\\C utf8mb4${END}`);
    const plain = `x${begin('latin1')}x${END}x`;
    const [big5, gbk] = [`${begin('big5')}\xa5\x5c'${END}`, `${begin('gbk', ';;')}${END}`];

    expect(told(plain)).toBe(plain);
    expect(told(`${plain}${big5}${gbk}${plain}`)).toBe(`${plain}${before(big5, 'big5')}${before(gbk, 'gbk')}${plain}`);
  });

  it('stands nowhere else: not in names of tables, and not in texts that hold a dump', () => {
    const same = (dump: string): void => {
      expect(passed(Buffer.from(dump, 'latin1'), [])).toBe(dump);
    };

    same(`CREATE TABLE \`t${SET}gbk */ \` (\n  \`id\` int\n);\n`);
    same(`CREATE TABLE \`t${BEGIN}\` (\n  \`id\` int\n);\n`);
    same(`${begin('latin1')}SELECT '${begin('gbk')}'${END}`);
    same(begin('sjis').slice(1)); // not at the beginning of a line
  });

  it('is the same in whatever pieces a dump comes, and the rest of it stays', () => {
    const piece = fc.oneof(
      fc.string({ unit: fc.constantFrom('\n', '/', '*', 'a', '\xa5', '\\') }),
      fc.constantFrom(BEGIN, SET, SET.slice(0, 9), begin('sjis'), begin('sjis', ';;'), begin('utf8mb4'), END),
    );
    fc.assert(
      fc.property(fc.array(piece), fc.array(fc.nat({ max: 60 })), (pieces, sizes) => {
        const dump = Buffer.from(pieces.join(''), 'latin1');
        const whole = passed(dump, []);

        expect(passed(dump, sizes)).toBe(whole);
        expect(whole.replaceAll(/(?<=\n)\\C (?:sjis|utf8mb4)\n(?=\/\*!50003 SET)/g, '')).toBe(dump.toString('latin1'));
      }),
    );
  });
});
