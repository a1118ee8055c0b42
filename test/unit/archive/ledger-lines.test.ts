import { describe, expect, it } from 'vitest';
import { readLines, renderLine, wholeLines } from '../../../src/archive/ledger-lines.ts';

const RECORDS = ['one', 'two', 'über drei', 'four'].map((why, index) => ({
  kind: 'gap',
  why,
  from: `binlog.${index}:4`,
}));
const OLD = `${JSON.stringify(RECORDS[0])}\n`;

const isGap = (record: object): record is { kind: string } => 'kind' in record;

function added(records: readonly object[], begun = ''): Buffer {
  return records.reduce<Buffer>((file, record) => {
    const { lines } = wholeLines(file);
    return Buffer.concat([file, Buffer.from(renderLine(record, lines.at(-1) ?? null))]);
  }, Buffer.from(begun));
}

function problems(file: Buffer): (string | null)[] {
  return readLines(wholeLines(file).lines, isGap).map(({ problem }) => problem);
}

describe('lines that are only ever added', () => {
  it('are read as they were written, without their hashes', () => {
    const file = added(RECORDS);
    expect(wholeLines(file).bytes).toBe(file.length);
    expect(readLines(wholeLines(file).lines, isGap)).toEqual(RECORDS.map((record) => ({ record, problem: null })));
  });

  it('show any flipped bit, in whichever line it is, and which line that is', () => {
    const file = added(RECORDS);
    for (let bit = 0; bit < file.length * 8; bit += 1) {
      const changed = Buffer.from(file);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const line = file
        .subarray(0, bit >> 3)
        .toString('latin1')
        .split('\n').length;
      const found = problems(changed).findIndex((problem) => problem !== null);
      expect(found + 1, `bit ${bit}`).toBe(line);
    }
  });

  it('show that one of them was removed', () => {
    const lines = added(RECORDS)
      .toString()
      .split(/(?<=\n)/);
    for (const index of [0, 1, 2]) {
      const found = problems(Buffer.from(lines.toSpliced(index, 1).join('')));
      expect(found[index]).toContain('does not follow the line that it was written behind');
      expect(found.filter((problem) => problem !== null)).toHaveLength(1);
    }
  });

  it('of earlier versions have no hashes, until one with them comes behind', () => {
    expect(problems(Buffer.from(OLD.replace('one', 'two')))).toEqual([null]);
    const file = added(RECORDS.slice(1), OLD);
    expect(problems(file)).toEqual([null, null, null, null]);
    expect(problems(Buffer.from(file.toString().replace('one', 'two')))[1]).toContain('does not follow');
  });

  it('are left out when a crash tore the last one, at whichever byte', () => {
    const file = added(RECORDS.slice(0, 2));
    const first = added(RECORDS.slice(0, 1)).length;
    for (let end = first; end < file.length; end += 1) {
      const zeros = Buffer.alloc(file.length - end);
      for (const torn of [file.subarray(0, end), Buffer.concat([file.subarray(0, end), zeros])])
        expect(wholeLines(torn).bytes, `torn at ${end}`).toBe(first);
    }
  });
});
