import { describe, expect, it } from 'vitest';
import { readBinlog, type ByteSource } from '../../../src/binlog/read-binlog.ts';
import { BinlogBuilder, gtidList, mariadbGtid, query } from '../../support/binlog-builder.ts';

const visitor = { query: () => undefined, group: () => undefined };

function log(groups: number): BinlogBuilder {
  const builder = new BinlogBuilder().between(gtidList(''));
  for (let n = 1; n <= groups; n += 1)
    builder.group([mariadbGtid(`0-101-${n}`, { standalone: true }), query('create table t (a int)')], {
      ending: 'statement',
    });
  return builder;
}

function sourceOf(bytes: Buffer, perRead: number): ByteSource & { given: number } {
  return {
    given: 0,
    read(target, at) {
      const got = bytes.copy(target, at, this.given, Math.min(bytes.length, this.given + perRead));
      this.given += got;
      return Promise.resolve(got);
    },
  };
}

describe('readBinlog', () => {
  it('stops where it is told to, and takes what is behind for unread, not for torn', async () => {
    const builder = log(20);
    const source = sourceOf(builder.bytes, 100);
    const wanted = builder.groups[3]?.end ?? 0;
    const reading = await readBinlog(source, { visitor, verifyChecksums: true, until: (offset) => offset >= wanted });
    expect(source.given).toBeLessThan(wanted + 200);
    expect(reading).toMatchObject({ problems: [], end: 'open' });
    expect(reading.wholeTo).toBeGreaterThanOrEqual(wanted);
  });

  it('ends only when the block that it reads ahead has come: then its source may be closed', async () => {
    const builder = log(20);
    const whole = sourceOf(builder.bytes, 1_000);
    const events: string[] = [];
    let comes: (got: number) => void = () => undefined;
    const ahead = new Promise<number>((resolve) => (comes = resolve));
    const source: ByteSource = {
      read: async (target, at) => (whole.given === 0 ? await whole.read(target, at) : await ahead),
    };
    const reading = readBinlog(source, { visitor, verifyChecksums: true, until: () => events.push('walked') > 0 });
    const ended = reading.then(() => events.push('ended'));
    await expect.poll(() => events).toEqual(['walked']);
    events.push('read ahead');
    comes(0);
    await ended;
    expect(events).toEqual(['walked', 'read ahead', 'ended']);
  });

  it('throws the reason of an abort before it reads on', async () => {
    const abort = new AbortController();
    const source = sourceOf(log(20).bytes, 100);
    const read = readBinlog(
      {
        read: (target, at) => (source.given > 500 ? (abort.abort(new Error('stop')), source) : source).read(target, at),
      },
      { visitor, verifyChecksums: true, signal: abort.signal },
    );
    await expect(read).rejects.toThrow('stop');
    expect(source.given).toBeLessThan(1_000);
  });

  it('reads no further than the place behind which nothing can be read', async () => {
    const builder = log(200);
    const { bytes } = builder;
    bytes.writeUInt32LE(5, (builder.events[2]?.start ?? 0) + 9);
    const source = sourceOf(bytes, 100);
    const reading = await readBinlog(source, { visitor, verifyChecksums: true });
    expect(source.given).toBeLessThan(1_000);
    expect(reading).toMatchObject({ end: 'torn', wholeTo: builder.events[2]?.start });
  });
});
