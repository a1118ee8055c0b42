import { describe, expect, it } from 'vitest';
import { ArchivedTail, type ArchivedFile } from '../../../src/archive/archived-tail.ts';
import { LookPace, ProofSink } from '../../../src/operations/source-watch.ts';

describe('a look at a silent source', () => {
  it('is due once nothing new has come for a while, and then less often', () => {
    const pace = new LookPace({ quietMs: 10, againMs: 30 });
    expect(pace.waitMs('binlog.000001:4', 100)).toBe(10);
    expect(pace.waitMs('binlog.000001:9', 110)).toBe(10);
    expect(pace.waitMs('binlog.000001:9', 115)).toBe(5);
    expect(pace.waitMs('binlog.000001:9', 121)).toBe(0);
    pace.looked(false, 125);
    expect(pace.waitMs('binlog.000001:9', 125)).toBe(10);
    pace.looked(true, 135);
    expect(pace.waitMs('binlog.000001:9', 135)).toBe(30);
    expect(pace.waitMs('binlog.000002:4', 140)).toBe(10);
  });

  it('takes the asked bytes, and nothing behind them or of another file', () => {
    const sink = new ProofSink({ file: 'binlog.000007', position: 100 }, 5);
    let enough = 0;
    sink.enough = () => (enough += 1);
    sink.rotate('binlog.000007', 100);
    const chunk = Buffer.from('..abc..');
    sink.append(chunk, 2, 5);
    chunk.fill(0); // lent only
    expect(enough).toBe(0);
    sink.append(Buffer.from('defg'), 0, 4);
    sink.rotate('binlog.000008', 4);
    sink.append(Buffer.from('x'), 0, 1);
    expect(Buffer.concat(sink.chunks).toString()).toBe('abcde');
    expect(enough).toBe(1);
    const other = new ProofSink({ file: 'binlog.000007', position: 100 }, 5);
    other.rotate('binlog.000008', 4);
    other.append(Buffer.from('x'), 0, 1);
    expect(other.chunks).toEqual([]);
  });
});

describe('the bytes that are asked for again and again', () => {
  const MIB = 1024 * 1024;
  const file: ArchivedFile = {
    file: 'binlog.000007',
    size: 10 * MIB,
    lastGroup: 10 * MIB - 500,
    lastAskable: null,
    open: () => {
      throw new Error('not opened here');
    },
  };
  const asked = (archived: Partial<ArchivedFile>): unknown => {
    const proof = ArchivedTail.proofOf({ ...file, ...archived });
    return proof === null ? null : [proof.from, proof.remaining];
  };

  it.each([
    ['the last group', {}, [10 * MIB - 500, 500]],
    ['the first bytes where that is long', { lastGroup: 5 * MIB }, [4, 4092]],
    ['the first bytes where that is very long', { lastGroup: 4 }, [4, 4092]],
    ['the first bytes where it cannot be asked for', { size: 2 ** 33, lastGroup: 2 ** 33 - 500 }, [4, 4092]],
    ['all of a short file without a group', { size: 300, lastGroup: null }, [4, 296]],
    ['nothing of a file without an event', { size: 4, lastGroup: null }, null],
  ])('are %s', (_name, archived, expected) => {
    expect(asked(archived)).toEqual(expected);
  });
});
