import { describe, expect, it } from 'vitest';
import { ClientCharsets } from '../../../src/backup/client-charset.ts';
import { withHeads, type Head } from '../../../src/backup/program-heads.ts';

const head = (shown: string, meant: string): Head => ({
  shown: Buffer.from(shown),
  meant: Buffer.from(meant, 'latin1'),
});
const BEGIN = '\n/*!50003 SET @saved_col_connection = @@collation_connection */ ;';
const SET = '\n/*!50003 SET character_set_client  = ';

describe("a program's head", () => {
  it('is as it is meant, once, and what it has become is no other head', () => {
    const heads = [
      head("COMMENT 'é'", "COMMENT '\xe9'"),
      head('EVENT `Ã©`', 'EVENT `é`'),
      head('EVENT `é`', 'EVENT `x`'),
    ];
    const mended = (text: string): string => withHeads(Buffer.from(text), heads).toString('latin1');

    expect(mended("EVENT `Ã©` ON COMMENT 'é' DO SELECT 1 -- COMMENT 'é'")).toBe(
      "EVENT `é` ON COMMENT '\xe9' DO SELECT 1 -- COMMENT '\xc3\xa9'",
    );
    expect(mended('EVENT `e` DO SELECT 1')).toBe('EVENT `e` DO SELECT 1');
    const longer = head("COMMENT 'é''é'", "COMMENT '\xe9''\xe9'");
    expect(withHeads(Buffer.from("COMMENT 'é''é'"), [...heads, longer]).toString('latin1')).toBe(
      "COMMENT '\xe9''\xe9'",
    );
    expect(withHeads(Buffer.from('EVENT `é`'), [...heads, ...heads]).toString('latin1')).toBe('EVENT `x`');
  });

  it('is found in a dump, in texts in the character set of its creator, in whatever pieces these come', () => {
    const section = (charset: string): string =>
      `.${BEGIN}${SET}${charset} */ ;\nEVENT \`é\`${SET}@saved_cs_client */ ;\nx`;
    const dump = Buffer.from([section('utf8mb4'), section('latin1'), section('koi8r'), section('latin1')].join(''));
    const heads = new Map([['latin1', [head('EVENT `é`', 'EVENT `\xe9`')]]]);
    const expected = dump.toString('latin1').replaceAll(/(latin1 \*\/ ;\nEVENT `)\xc3\xa9/g, '$1\xe9');

    for (const size of [1, 7, 40, 1000]) {
      const charsets = new ClientCharsets(heads);
      const pieces: Buffer[] = [];
      for (let at = 0; at < dump.length; at += size) pieces.push(charsets.push(dump.subarray(at, at + size)));
      expect(Buffer.concat([...pieces, charsets.end()]).toString('latin1')).toBe(expected);
    }
  });
});
