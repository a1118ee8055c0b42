import { describe, expect, it } from 'vitest';
import { parseRecord, renderRecord } from '../../../src/archive/record-text.ts';

const RECORD = { format: 1, file: 'binlog.000001', first: null, nested: { start: 4 } };

describe('a record', () => {
  it('is read as it was written, without its hash', () => {
    expect(parseRecord(renderRecord(RECORD))).toEqual({ record: RECORD, intact: true, isEdited: false });
    expect(renderRecord({ ...RECORD, recordSha256: 'of an earlier text' })).toBe(renderRecord(RECORD));
  });

  it('shows any changed bit, also in its hash and in the name of that', () => {
    const bytes = Buffer.from(renderRecord(RECORD), 'latin1');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(isTaken(changed.toString('latin1')), `bit ${bit}`).toBe(false);
    }
  });

  it('of an earlier version has no hash: nobody can say whether it was changed', () => {
    expect(parseRecord(`${JSON.stringify(RECORD, null, 2)}\n`)).toEqual({
      ...{ record: RECORD, intact: null, isEdited: false },
    });
  });

  it('that was laid out anew is not as it was written, and says the same; one that says something else does not', () => {
    const written = renderRecord(RECORD);
    const anew = JSON.stringify(JSON.parse(written));
    expect(parseRecord(anew)).toEqual({ record: RECORD, intact: false, isEdited: false });
    expect(parseRecord(anew.replace('4', '5'))).toMatchObject({ intact: false, isEdited: true });
    expect(parseRecord(written.replace('recordSha256', 'recordSha257'))).toMatchObject({ isEdited: true });
  });

  it('is an object and nothing else', () => {
    for (const text of ['', '7', 'null', '{"a":']) expect(() => parseRecord(text)).toThrow(SyntaxError);
  });
});

function isTaken(text: string): boolean {
  try {
    return parseRecord(text).intact !== false;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
