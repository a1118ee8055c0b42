import { describe, expect, it } from 'vitest';
import { createdWith, isPlainToClient } from '../../../../src/backup/views/shown-view.ts';

const shown = (charset: string, ...bytes: number[]) => ({
  creation: Buffer.from([0x43, ...bytes]),
  ...{ charset, collation: `${charset}_bin` },
});

describe('a view as it is shown', () => {
  it('is plain to a client unless a letter may have a quote for its second half', () => {
    expect(isPlainToClient(shown('sjis', 0x95, 0x5c))).toBe(false);
    expect(isPlainToClient(shown('sjis', 0x5c))).toBe(true);
    expect(isPlainToClient(shown('latin1', 0x95, 0x5c))).toBe(true);
  });

  it('is made in the session of its creator, byte by byte', () => {
    const sql = createdWith(shown('latin1'), Buffer.from([0xe9, 0x0a]));
    expect(sql.toString('latin1')).toBe(
      'SET SESSION character_set_client = latin1, collation_connection = latin1_bin;\n\xe9\nSET NAMES utf8mb4;\n',
    );
  });
});
