import { describe, expect, it } from 'vitest';
import { isBrokenOff, lastArchived, passBrokenOff, withWayOn } from '../../../src/operations/broken-off.ts';
import { LastgoodError } from '../../../src/platform/errors.ts';

const refusal = (errno: number): LastgoodError =>
  new LastgoodError('SERVER_QUERY_FAILED', 'binlog truncated in the middle of event', { details: { errno } });
const END = { file: 'binlog.000007', indexedTo: 1234, gtidEnd: '' };

describe('an error of a source that cannot read its log on', () => {
  it('says where, and the safe way on', () => {
    const told = withWayOn(refusal(1236), END);
    expect(told).toMatchObject({
      code: 'SERVER_QUERY_FAILED',
      exitCode: 12,
      message:
        'the source cannot read its binary log on from binlog.000007:1234, where the archive ends: binlog truncated in the middle of event',
      details: { errno: 1236, file: 'binlog.000007', position: 1234 },
      hint: expect.stringMatching(
        /copy of that file.*`lastgood archive --new-lineage` goes on in the next file that can be read/,
      ) as string,
    });
    expect(isBrokenOff(told)).toBe(true);
  });

  it.each([refusal(1045), new LastgoodError('STREAM_DAMAGED', 'x'), new Error('x')])('is no other one: %s', (error) => {
    expect(withWayOn(error, END)).toBe(error);
    expect(isBrokenOff(error)).toBe(false);
  });

  it('stays as it is where nothing is archived yet', () => {
    const error = refusal(1236);
    expect(withWayOn(error, null)).toBe(error);
  });
});

describe('the way past a file that its source cannot read on', () => {
  const open = { file: 'binlog.000007', wholeTo: 1234 };
  const sealed = { manifest: { file: 'binlog.000006' } };
  const listed = (...files: string[]): { logs: { file: string; bytes: number }[] } => ({
    logs: files.map((file) => ({ file, bytes: 4 })),
  });

  const cannotRead =
    (...files: string[]) =>
    (file: string): Promise<boolean> =>
      Promise.resolve(files.includes(file));
  const logs = listed('binlog.000006', 'binlog.000007', 'binlog.000008', 'binlog.000009');

  it('is the next file, from the last whole group on', async () => {
    expect(await passBrokenOff({ open, sealed }, logs, cannotRead())).toEqual({
      kind: 'unreadable',
      from: { file: 'binlog.000007', position: 1234 },
      next: 'binlog.000008',
    });
  });

  it('is the next one that can be read', async () => {
    expect(await passBrokenOff({ open, sealed }, logs, cannotRead('binlog.000008'))).toMatchObject({
      from: { file: 'binlog.000007', position: 1234 },
      next: 'binlog.000009',
    });
  });

  it('leaves out a whole file only when nothing of it can be read', async () => {
    expect(await passBrokenOff({ open: null, sealed }, logs, cannotRead('binlog.000007'))).toEqual({
      kind: 'unreadable',
      from: { file: 'binlog.000007', position: 4 },
      next: 'binlog.000008',
    });
    expect(await passBrokenOff({ open: null, sealed }, logs, cannotRead('binlog.000006'))).toBeNull();
  });

  it('is none while the source writes to that file, or where nothing is archived', async () => {
    expect(await passBrokenOff({ open, sealed }, listed('binlog.000007'), cannotRead())).toBeNull();
    const noLater = listed('binlog.000006', 'binlog.000007');
    expect(await passBrokenOff({ open: null, sealed }, noLater, cannotRead('binlog.000007'))).toBeNull();
    expect(await passBrokenOff({ open: null, sealed: null }, logs, cannotRead())).toBeNull();
  });

  it('is taken of the file that the archive ends with', () => {
    expect(lastArchived({ open, sealed })).toBe('binlog.000007');
    expect(lastArchived({ open: null, sealed })).toBe('binlog.000006');
    expect(lastArchived({ open: null, sealed: null })).toBeNull();
  });
});
