import { describe, expect, it } from 'vitest';
import { createdWith } from '../../../../src/backup/views/shown-view.ts';

const shown = (charset: string) => ({ creation: Buffer.from('C'), charset, collation: `${charset}_bin` });

describe('a view as it is shown', () => {
  it('is made in the session of its creator, byte by byte', () => {
    const sql = createdWith(shown('latin1'), Buffer.from([0xe9, 0x0a]));
    expect(sql.toString('latin1')).toBe(
      'SET SESSION character_set_client = latin1, collation_connection = latin1_bin;\n\xe9\nSET NAMES utf8mb4;\n',
    );
  });

  it('is read by the client in a character set of its own where a letter may have a backslash for its second half', () => {
    const sql = createdWith(shown('sjis'), Buffer.from([0x95, 0x5c, 0x0a]));
    expect(sql.toString('latin1')).toBe(
      '\\C sjis\nSET SESSION character_set_client = sjis, collation_connection = sjis_bin;\n\x95\\\n\\C utf8mb4\nSET NAMES utf8mb4;\n',
    );
  });
});
