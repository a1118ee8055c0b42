import { mkdir, rm } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { indexSegment, openSegment, readSegmentFormat } from '../../../src/archive/read-segment.ts';
import type { ArchivedSegment } from '../../../src/archive/repository.ts';
import { archiveFolder, type ArchiveFolder } from '../../support/archive-folder.ts';
import { BinlogBuilder, gtidList, mariadbGtid, query, tableMap, writeRows, xid } from '../../support/binlog-builder.ts';

const FILE = 'binlog.000001';

/** Three MiB of rows around a DROP. */
function log(): BinlogBuilder {
  const builder = new BinlogBuilder().between(gtidList(''));
  for (const n of [1, 2, 3, 4, 5]) {
    const gtid = `0-101-${n}`;
    if (n === 3) {
      const drop = query('DROP DATABASE shop', { schema: 'shop' });
      builder.group([mariadbGtid(gtid, { standalone: true }), drop], { gtid, ending: 'statement' });
    } else {
      const rows = [tableMap('shop', 't'), writeRows(800_000)];
      builder.group([mariadbGtid(gtid), ...rows, xid()], { gtid, threadId: null, ending: 'commit' });
    }
  }
  return builder;
}

async function put(folder: ArchiveFolder, bytes: Buffer): Promise<ArchivedSegment> {
  await folder.put(FILE, bytes);
  const [segment] = await folder.segments();
  if (segment === undefined) throw new Error('no segment');
  return segment;
}

describe('indexSegment', () => {
  it('finds just what the archiver found while it wrote the same bytes', async () => {
    await using folder = await archiveFolder();
    const builder = log();
    const { writer, updates } = folder.writer(await folder.end());
    writer.rotate(FILE, 4);
    for (const { start, end } of builder.events) writer.append(builder.bytes, start, end);
    await writer.finish();
    const [segment] = await folder.segments();
    if (segment === undefined) throw new Error('no segment');
    const { update, reading } = await indexSegment({ segment, last: null, verifyChecksums: true });
    expect(reading.problems).toEqual([]);
    expect(update?.digest).toEqual(updates.at(-1)?.digest);
    expect(update?.checkpoints).toEqual(updates.flatMap(({ checkpoints }) => checkpoints));
    expect(update?.incidents).toEqual(updates.flatMap(({ incidents }) => incidents));
    expect(update?.checkpoints.map(({ offset }) => offset)).toEqual([
      builder.groups[2]?.start,
      builder.groups[4]?.start,
    ]);
    expect(update?.incidents).toMatchObject([
      { kind: 'drop-database', gtid: '0-101-3', lastGood: { gtid: '0-101-2', end: builder.groups[2]?.start } },
    ]);
  });

  it('names the group before the file as the last good one when the file begins with a DROP', async () => {
    await using folder = await archiveFolder();
    const builder = new BinlogBuilder().between(gtidList('0-101-2'));
    builder.group([mariadbGtid('0-101-3', { standalone: true }), query('DROP DATABASE shop')], { ending: 'statement' });
    const last = { gtid: '0-101-2', file: 'binlog.000000', end: 900, time: '2026-11-22T10:00:00Z' };
    const { update } = await indexSegment({ segment: await put(folder, builder.bytes), last, verifyChecksums: true });
    expect(update?.incidents).toMatchObject([{ lastGood: last }]);
  });

  it('gives what it could read of a damaged segment, and what was wrong', async () => {
    await using folder = await archiveFolder();
    const builder = log();
    const { bytes } = builder;
    const { start } = builder.eventAt(bytes.length - 1);
    bytes[start + 20] = (bytes[start + 20] ?? 0) ^ 1;
    const segment = await put(folder, bytes);
    const { update, reading } = await indexSegment({ segment, last: null, verifyChecksums: true });
    expect(reading.problems).toMatchObject([{ kind: 'damage', offset: start }]);
    expect(update?.digest.groups).toBe(5);
  });

  it('has no update for a file that ends before its format', async () => {
    await using folder = await archiveFolder();
    const segment = await put(folder, log().bytes.subarray(0, 100));
    expect((await indexSegment({ segment, last: null, verifyChecksums: true })).update).toBeNull();
  });
});

describe('openSegment', () => {
  it('gives the bytes from the offset that is asked for', async () => {
    await using folder = await archiveFolder();
    const { bytes } = log();
    const segment = await put(folder, bytes);
    await using source = await openSegment(segment, 300);
    const target = Buffer.alloc(500);
    const got = await source.read(target, 100);
    expect(target.subarray(100, 100 + got).equals(bytes.subarray(300, 300 + got))).toBe(true);
    expect(got).toBeGreaterThan(0);
  });

  it('says that a segment cannot be opened', async () => {
    await using folder = await archiveFolder();
    const segment = await put(folder, log().bytes);
    await expect(openSegment({ ...segment, path: folder.path('gone') })).rejects.toMatchObject({
      code: 'REPOSITORY_UNREADABLE',
      message: `cannot open segment '${folder.path('gone')}'`,
    });
  });

  it('says that a segment cannot be read on: a failing disk is no bug', async () => {
    await using folder = await archiveFolder();
    const segment = await put(folder, log().bytes);
    await rm(segment.path);
    await mkdir(segment.path); // nobody, not even root, reads a folder as a file
    await using source = await openSegment(segment);
    await expect(source.read(Buffer.alloc(100), 0)).rejects.toMatchObject({
      code: 'REPOSITORY_UNREADABLE',
      message: expect.stringMatching(`^cannot read segment '${segment.path}': EISDIR`) as string,
    });
  });
});

describe('readSegmentFormat', () => {
  it('gives the first event, parsed and as it stands in the file', async () => {
    await using folder = await archiveFolder();
    const builder = log();
    const { format, bytes } = await readSegmentFormat(await put(folder, builder.bytes));
    expect(format).toMatchObject({ serverVersion: builder.version, flavor: 'mariadb' });
    expect(bytes.equals(builder.bytes.subarray(4, builder.events[0]?.end))).toBe(true);
  });

  it.each([
    ['ends inside it', log().bytes.subarray(0, 100), 'has no whole first event'],
    ['begins with something else', Buffer.alloc(400, 1), 'has no whole first event'],
    ['begins with another event', log().bytes.fill(9, 4 + 19, 4 + 21), 'does not begin with its format'],
  ])('says that a segment is damaged that %s', async (_, bytes, why) => {
    await using folder = await archiveFolder();
    const segment = await put(folder, bytes);
    await expect(readSegmentFormat(segment)).rejects.toMatchObject({
      code: 'ARCHIVE_DAMAGED',
      message: `segment '${segment.path}' ${why}`,
    });
  });
});
