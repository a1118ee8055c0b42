import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { describe, expect, it, vi } from 'vitest';
import { SegmentWriter } from '../../../src/archive/segment-writer.ts';
import { archiveFolder, type ArchiveFolder } from '../../support/archive-folder.ts';
import {
  BinlogBuilder,
  gtidList,
  mariadbGtid,
  MYSQL_55,
  query,
  rotate,
  STOP,
  tableMap,
  writeRows,
  xid,
} from '../../support/binlog-builder.ts';

const FILE = 'binlog.000001';
const MIB = 1024 * 1024;

function log({ groups = 3, rowBytes = 500 } = {}): BinlogBuilder {
  const builder = new BinlogBuilder().between(gtidList(''));
  for (let n = 1; n <= groups; n += 1)
    builder.group([mariadbGtid(`0-101-${n}`), tableMap('shop', 't'), writeRows(rowBytes), xid()], {
      gtid: `0-101-${n}`,
      ending: 'commit',
    });
  return builder;
}

async function create(folder: ArchiveFolder): Promise<SegmentWriter> {
  const { repository, lineage } = folder;
  return SegmentWriter.create({
    folder: repository.lineageFolder(lineage.id),
    lineage: lineage.id,
    file: FILE,
    last: null,
  });
}

async function write(writer: SegmentWriter, bytes: Buffer): Promise<void> {
  const taken = writer.take(bytes, bytes.length);
  await writer.write(bytes.subarray(0, taken));
}

/** A copy with four bytes changed at `offset` of the event. */
function overwrite(bytes: Buffer, start: number, offset: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt32LE(0x00100000, start + offset);
  return copy;
}

describe('an open segment', () => {
  it('is cut back to its last whole group when it is closed', async () => {
    await using folder = await archiveFolder();
    const builder = log().unfinished([mariadbGtid('0-101-4'), tableMap('shop', 't')]);
    const writer = await create(folder);
    await write(writer, builder.bytes.subarray(4));
    expect(writer.size).toBe(builder.size);
    await writer.close();
    expect(await folder.read(FILE)).toEqual(builder.bytes.subarray(0, builder.boundaryBefore(builder.size)));
  });

  it('takes nothing of a chunk that holds a damaged event, and says where', async () => {
    await using folder = await archiveFolder();
    const builder = log();
    const { bytes } = builder;
    const [, , , , rows] = builder.events;
    bytes[(rows?.start ?? 0) + 100] = 0;
    const writer = await create(folder);
    await expect(write(writer, bytes.subarray(4))).rejects.toMatchObject({
      code: 'STREAM_DAMAGED',
      message: `'${FILE}' is damaged at offset ${rows?.start}: the checksum of the event is wrong`,
    });
    await writer.close();
    expect((await folder.read(FILE)).length).toBeLessThanOrEqual(4);
  });

  it('is not durable before its name is', async () => {
    await using folder = await archiveFolder();
    await using handle = await open(import.meta.filename);
    const failure = Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO', syscall: 'fsync' });
    vi.spyOn(Object.getPrototypeOf(handle) as FileHandle, 'sync').mockRejectedValueOnce(failure); // of the folder
    const writer = await create(folder);
    await write(writer, log().bytes.subarray(4));
    await expect(writer.sync()).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    await expect(writer.close()).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
  });

  it('is never written over by another of its name', async () => {
    await using folder = await archiveFolder();
    await (await create(folder)).close();
    await expect(create(folder)).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
  });
});

describe('an open segment after a crash', () => {
  it('goes on behind its last whole group when a large event was torn', async () => {
    await using folder = await archiveFolder('mysql');
    const builder = new BinlogBuilder({ version: MYSQL_55, checksum: 'none' });
    builder.group([query('create table t (a int)')], { ending: 'statement' });
    const whole = builder.size;
    builder.group([query(`insert into t values ('${'x'.repeat(2 * MIB)}')`)], { ending: 'statement' });
    for (const cut of [whole + MIB / 2, whole + MIB + 5, builder.size - 1]) {
      await folder.put(FILE, builder.bytes.subarray(0, cut));
      const { open } = await folder.end();
      expect(open?.size).toBe(whole);
      expect((await folder.read(FILE)).length).toBe(whole);
      if (open !== null) await write(open, builder.bytes.subarray(whole));
      await open?.close();
      expect((await folder.read(FILE)).equals(builder.bytes)).toBe(true);
    }
  });

  it('of many mebibytes is sealed with the hash of all its bytes', async () => {
    await using folder = await archiveFolder();
    const builder = log({ groups: 14, rowBytes: 700_000 });
    await folder.put(FILE, builder.bytes);
    const { open } = await folder.end();
    expect(open?.size).toBe(builder.size);
    const sealed = await open?.seal({ previousManifestSha256: null });
    expect(sealed?.manifest.sha256).toBe(createHash('sha256').update(builder.bytes).digest('hex'));
  });

  /** Wrong bytes in the open segment, as a power cut or a bad disk leaves them. */
  const DAMAGES: [string, (bytes: Buffer, events: { start: number; end: number }[]) => Buffer][] = [
    ['a wrong length of an event in the middle', (bytes, events) => overwrite(bytes, events[3]?.start ?? 0, 9)],
    ['a wrong length of the last event', (bytes, events) => overwrite(bytes, events.at(-1)?.start ?? 0, 9)],
    ['a wrong byte in an event', (bytes, events) => overwrite(bytes, events[4]?.start ?? 0, 60)],
    ['a wrong byte, and a torn end', (bytes, events) => overwrite(bytes, events[4]?.start ?? 0, 60).subarray(0, -3)],
    ['zeros from the second group on', (bytes, events) => Buffer.from(bytes).fill(0, events[5]?.start)],
    [
      'zeros inside the second group only',
      (bytes, events) => Buffer.from(bytes).fill(0, events[6]?.start, events[7]?.start),
    ],
  ];

  it.each(DAMAGES)(
    'goes on from the last whole group before %s, and keeps all until the source sends again',
    async (_, damage) => {
      await using folder = await archiveFolder();
      const builder = log();
      const damaged = damage(builder.bytes, builder.events);
      await folder.put(FILE, damaged);
      const untouched = await folder.end();
      expect(untouched.damage).toMatchObject({ file: FILE, path: folder.path(FILE), bytes: damaged.length });
      expect(untouched.damage?.error).toMatchObject({ code: 'ARCHIVE_DAMAGED' });
      await untouched.open?.close();
      expect(await folder.read(FILE)).toEqual(damaged);
      const { open } = await folder.end();
      if (open === null) throw new Error('no open segment');
      expect(builder.boundaryBefore(open.size + 1)).toBe(open.size);
      expect(damaged.subarray(0, open.size)).toEqual(builder.bytes.subarray(0, open.size));
      await write(open, builder.bytes.subarray(open.size));
      await open.close();
      expect((await folder.read(FILE)).equals(builder.bytes)).toBe(true);
    },
  );

  it('without one whole event is kept until its source begins the file again', async () => {
    await using folder = await archiveFolder();
    const { bytes } = log();
    for (const damaged of [Buffer.alloc(500), overwrite(bytes, 4, 9), overwrite(bytes, 0, 0)]) {
      await folder.put(FILE, damaged);
      const end = await folder.end();
      expect(end).toMatchObject({ open: null, damage: { file: FILE, bytes: damaged.length } });
      expect(await folder.read(FILE)).toEqual(damaged);
      const { writer } = folder.writer(end);
      writer.rotate(FILE, 4);
      writer.append(bytes, 4, bytes.length);
      await writer.finish();
      expect((await folder.read(FILE)).equals(bytes)).toBe(true);
    }
  });

  it('is not sealed over wrong bytes', async () => {
    await using folder = await archiveFolder();
    const builder = log();
    await folder.put(FILE, overwrite(builder.bytes, builder.events[4]?.start ?? 0, 60));
    const { open } = await folder.end();
    await expect(open?.seal({ previousManifestSha256: null })).rejects.toMatchObject({ code: 'ARCHIVE_DAMAGED' });
    await open?.close();
  });
});

describe('a sealed segment', () => {
  it('says how its file ended', async () => {
    for (const [last, ended] of [
      [rotate('binlog.000002'), 'rotate'],
      [STOP, 'stop'],
      [null, 'source-crashed'],
    ] as const) {
      await using folder = await archiveFolder();
      const builder = last === null ? log() : log().between(last);
      const writer = await create(folder);
      await write(writer, builder.bytes.subarray(4));
      const { manifest } = await writer.seal({ previousManifestSha256: null });
      expect(manifest).toMatchObject({ ended, tornBytes: 0, bytes: builder.size });
    }
  });

  it('is without the group that its source never ended, in its bytes, its hash and its counts', async () => {
    await using folder = await archiveFolder();
    const builder = log().unfinished([mariadbGtid('0-101-4'), tableMap('shop', 't'), writeRows(300)]);
    const whole = builder.bytes.subarray(0, builder.boundaryBefore(builder.size));
    const writer = await create(folder);
    await write(writer, builder.bytes.subarray(4));
    const { manifest } = await writer.seal({ previousManifestSha256: 'before' });
    expect(await folder.read(FILE)).toEqual(whole);
    expect(manifest).toMatchObject({
      bytes: whole.length,
      indexedTo: whole.length,
      sha256: createHash('sha256').update(whole).digest('hex'),
      tornBytes: builder.size - whole.length,
      ended: 'source-crashed',
      previousManifestSha256: 'before',
      gtidEnd: '0-101-3',
      groups: 3,
      first: { gtid: '0-101-1', start: builder.groups[0]?.start, end: builder.groups[0]?.end },
      last: { gtid: '0-101-3', start: builder.groups[2]?.start, end: builder.groups[2]?.end },
      minTime: builder.groups[0]?.time,
      maxTime: builder.groups[2]?.time,
    });
    const [segment] = await folder.segments();
    expect(segment).toMatchObject({ state: 'sealed', manifest });
  });

  it('cannot be made of a file whose format never came', async () => {
    await using folder = await archiveFolder();
    const writer = await create(folder);
    await expect(writer.seal({ previousManifestSha256: null })).rejects.toMatchObject({ code: 'STREAM_DAMAGED' });
    await writer.close();
  });
});
