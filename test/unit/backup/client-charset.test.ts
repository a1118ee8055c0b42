import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClientCharsets, clientReads } from '../../../src/backup/client-charset.ts';

const SET = '\n/*!50003 SET character_set_client  = ';

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

  it('stands in a dump before a text in such a one and behind it, and nowhere else', () => {
    const dump = [
      `${SET}latin1 */ ;\nx${SET}@saved_cs_client */ ;\n`,
      `${SET}big5 */ ;\n\xa5\x5c'${SET}@saved_cs_client */ ;`,
      `${SET}gbk */ ;;${SET}cp932 */ ;;${SET}@saved_cs_client */ ;;\n`,
      `${SET.slice(1)}sjis */ ;\n`, // not at the beginning of a line
    ].join('.');
    const [plain, one, two, none] = dump.split('.') as [string, string, string, string];
    const told = [
      plain,
      one.replace('\n', '\n\\C big5\n').replace("'\n", "'\n\\C utf8mb4\n"),
      two.replace(SET, `\n\\C gbk${SET}`).replace('gbk */ ;;\n', 'gbk */ ;;\n\\C cp932\n'),
      none,
    ].join('.');

    expect(passed(Buffer.from(dump, 'latin1'), [])).toBe(told.replace('cp932 */ ;;\n', 'cp932 */ ;;\n\\C utf8mb4\n'));
  });

  it('is the same in whatever pieces a dump comes, and the rest of it stays', () => {
    const piece = fc.oneof(
      fc.string({ unit: fc.constantFrom('\n', '/', '*', 'a', '\xa5', '\\') }),
      fc.constantFrom(
        SET,
        SET.slice(0, 9),
        `${SET}sjis */ ;\n`,
        `${SET}@saved_cs_client */ ;\n`,
        `${SET}utf8mb4 */ ;\n`,
      ),
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
