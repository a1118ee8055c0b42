import { mkdir, rename, rm } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { Coordinates } from '../../../src/binlog/coordinates.ts';
import { packThreadFor } from '../../../src/archive/pack-thread.ts';
import { waitFor } from '../../../src/platform/wait.ts';
import { archiveFolder } from '../../support/archive-folder.ts';
import { holdSyncs } from '../../support/held-syncs.ts';
import {
  BinlogBuilder,
  gtidList,
  mariadbGtid,
  MYSQL,
  previousGtids,
  query,
  rotate,
  type BuiltGroup,
} from '../../support/binlog-builder.ts';
import { openFilesAt } from '../../support/open-files.ts';

const FILE = 'binlog.000001';
const NEXT = 'binlog.000002';

function log({ from = 0, groups = 3, bytes = 100 } = {}): BinlogBuilder {
  const builder = new BinlogBuilder().between(gtidList(from === 0 ? '' : `0-101-${from}`));
  for (let n = from + 1; n <= from + groups; n += 1)
    builder.group([mariadbGtid(`0-101-${n}`, { standalone: true }), query(`insert '${'x'.repeat(bytes)}'`)], {
      gtid: `0-101-${n}`,
      ending: 'statement',
    });
  return builder;
}

function groupAt(builder: BinlogBuilder, index: number): BuiltGroup {
  const group = builder.groups.at(index);
  if (group === undefined) throw new Error(`the log has no group ${index}`);
  return group;
}

describe('ArchiveWriter', () => {
  it('tells of a group only when its bytes are on disk, and of each once', async () => {
    await using folder = await archiveFolder();
    const { bytes, groups } = log();
    const onDisk: Promise<number>[] = [];
    const told: number[] = [];
    const { writer } = folder.writer(await folder.end(), {
      onDurable: ({ digest }) => {
        told.push(digest.indexedTo);
        onDisk.push(folder.read(FILE).then(({ length }) => length));
      },
    });
    writer.rotate(FILE, 4);
    for (const { start, end } of [{ start: 4, end: groups[0]?.start ?? 0 }, ...groups]) {
      writer.append(bytes, start, end);
      await waitFor(() => told.includes(end), { timeoutMs: 5000, what: `offset ${end}` });
    }
    expect(await Promise.all(onDisk)).toEqual(told);
    await writer.finish();
  });

  it('closes the segment when what it holds cannot be told of: on a full disk that comes again and again', async () => {
    await using folder = await archiveFolder();
    await folder.put(FILE, log().bytes);
    const onDurable = (): void => {
      throw new Error('the catalog is full');
    };
    const { writer } = folder.writer(await folder.end(), { onDurable });
    await expect(writer.failed).rejects.toThrow('the catalog is full');
    await expect(writer.finish()).rejects.toThrow('the catalog is full');
    expect(openFilesAt(folder.repository.path)).toEqual([]);
  });

  it('syncs once for all that came together', async () => {
    await using folder = await archiveFolder();
    const builder = log({ groups: 50 });
    const { writer, updates } = folder.writer(await folder.end());
    writer.rotate(FILE, 4);
    for (const { start, end } of builder.events) writer.append(builder.bytes, start, end);
    await waitFor(() => updates.at(-1)?.digest.indexedTo === builder.size, { timeoutMs: 5000, what: 'the last group' });
    expect(updates).toHaveLength(1);
    await writer.finish();
  });

  it('writes what comes during a sync that fell due, also when nothing comes after it', async () => {
    await using folder = await archiveFolder();
    const builder = log();
    const { bytes } = builder;
    const [first, second, third] = [groupAt(builder, 0), groupAt(builder, 1), groupAt(builder, 2)];
    const durable: number[] = [];
    const { writer } = folder.writer(await folder.end(), {
      sync: 30,
      onDurable: ({ digest: { indexedTo } }) => {
        durable.push(indexedTo);
        // The sync of the second group is under way: the third one finds the writer at work.
        if (indexedTo === second.end) writer.append(bytes, third.start, third.end);
      },
    });
    writer.rotate(FILE, 4);
    writer.append(bytes, 4, first.end);
    await waitFor(() => durable.includes(first.end), { timeoutMs: 5000, what: 'the first group' });
    writer.append(bytes, second.start, second.end);
    await waitFor(() => durable.includes(third.end), { timeoutMs: 5000, what: 'the third group' });
    expect(durable).toEqual([first.end, second.end, third.end]);
    await writer.finish();
  });

  it('writes on while the disk syncs, and tells of what was written before that sync began', async () => {
    await using folder = await archiveFolder();
    const builder = log({ groups: 4, bytes: 800_000 });
    const { bytes, groups } = builder;
    const durable: number[] = [];
    const { writer } = folder.writer(await folder.end(), {
      onDurable: ({ digest: { indexedTo } }) => durable.push(indexedTo),
    });
    using syncs = await holdSyncs();
    const [first] = groups;
    writer.rotate(FILE, 4);
    writer.append(bytes, 4, first?.end ?? 0);
    await waitFor(() => syncs.begun > 0, { timeoutMs: 5000, what: 'the fsync' });
    writer.append(bytes, first?.end ?? 0, builder.size);
    const everything = async (): Promise<boolean> => (await folder.read(FILE)).length === builder.size;
    await waitFor(everything, { timeoutMs: 5000, what: 'the bytes behind it' });
    expect(durable).toEqual([]);
    syncs.release();
    await waitFor(() => durable.length > 1, { timeoutMs: 5000, what: 'the next fsync' });
    expect([durable, syncs.begun]).toEqual([[first?.end, builder.size], 2]);
    await writer.finish();
  });

  it('syncs once for 8 MiB of what comes without a pause, and for the rest at its end', async () => {
    await using folder = await archiveFolder();
    const builder = log({ groups: 200, bytes: 100_000 });
    const durable: number[] = [];
    const { writer, pressure } = folder.writer(await folder.end(), {
      onDurable: ({ digest }) => durable.push(digest.indexedTo),
    });
    using syncs = await holdSyncs();
    syncs.release();
    writer.rotate(FILE, 4);
    for (let at = 4; at < builder.size;) {
      await new Promise(setImmediate);
      if (pressure.at(-1) === true) continue;
      const end = Math.min(at + 200_000, builder.size);
      writer.append(builder.bytes, at, end);
      at = end;
    }
    await waitFor(() => durable.at(-1) === builder.size, { timeoutMs: 20_000, what: 'the last group' });
    expect(syncs.begun).toBe(durable.length);
    const steps = durable.map((to, index) => to - (durable[index - 1] ?? 0));
    expect(Math.min(...steps.slice(0, -1)), `synced after ${steps.join(', ')} bytes`).toBeGreaterThan(7 * 1024 * 1024);
    expect(steps.length).toBeLessThanOrEqual(3);
    await writer.finish();
  });

  it('writes everything that came before it was told to finish', async () => {
    await using folder = await archiveFolder();
    const { bytes } = log({ groups: 40 });
    const { writer, updates } = folder.writer(await folder.end(), { sync: 60_000 });
    writer.rotate(FILE, 4);
    writer.append(bytes, 4, bytes.length);
    await writer.finish();
    expect(await folder.read(FILE)).toEqual(bytes);
    expect(updates.at(-1)?.digest.indexedTo).toBe(bytes.length);
  });

  it('seals a file whose stored form is durable, and goes on, while the disk still syncs its plain one', async () => {
    await using folder = await archiveFolder();
    await using packs = packThreadFor('zstd', null);
    const first = log({ groups: 4, bytes: 800_000 }).between(rotate(NEXT));
    const second = log({ from: 4, groups: 2, bytes: 800_000 });
    const { writer, sealed, updates } = folder.writer(await folder.end(), { packs });
    const told = (): [string, number, string][] =>
      updates.map(({ state, digest }) => [digest.file, digest.indexedTo, state]);
    using syncs = await holdSyncs();
    writer.rotate(FILE, 4);
    writer.append(first.bytes, 4, first.size);
    await waitFor(() => syncs.begun === 1, { timeoutMs: 5000, what: 'the fsync' });
    writer.rotate(NEXT, 4);
    writer.append(second.bytes, 4, second.size);
    const everything = async (): Promise<boolean> =>
      sealed.length === 1 && (await folder.read(NEXT)).length === second.size;
    await waitFor(everything, { timeoutMs: 20_000, what: 'the bytes of the next file' });
    const ofFirst: [string, number, string][] = [
      [FILE, first.size, 'open'],
      [FILE, first.size, 'sealed'],
    ];
    expect([syncs.begun, told()]).toEqual([1, ofFirst]);
    syncs.release();
    await waitFor(() => updates.length > 2, { timeoutMs: 5000, what: 'the next fsync' });
    await writer.finish();
    expect(told().slice(0, 3)).toEqual([...ofFirst, [NEXT, second.size, 'open']]);
    expect((await folder.read(NEXT)).equals(second.bytes)).toBe(true);
    expect(openFilesAt(folder.repository.path)).toEqual([]);
  });

  it('keeps nothing that a failed sync has left, also of a file that was being sealed meanwhile, and could not be', async () => {
    await using folder = await archiveFolder();
    await using packs = packThreadFor('zstd', null);
    const { bytes } = log().between(rotate(NEXT));
    const { writer, sealed } = folder.writer(await folder.end(), { packs });
    await mkdir(folder.path(`${FILE}.zst.partial`)); // which cannot be written as a file
    using syncs = await holdSyncs({ fail: true });
    writer.rotate(FILE, 4);
    writer.append(bytes, 4, bytes.length);
    await waitFor(() => syncs.begun === 1, { timeoutMs: 5000, what: 'the fsync' });
    writer.rotate(NEXT, 4);
    await expect(writer.failed).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    expect(await folder.read(FILE)).toHaveLength(bytes.length);
    syncs.release();
    await expect(writer.finish()).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    expect(await folder.read(FILE)).toHaveLength(0);
    expect(sealed).toEqual([]);
    expect(openFilesAt(folder.repository.path)).toEqual([]);
  });

  it('fails at once when the plain file of a sealed segment cannot be removed, not at the end of the next one', async () => {
    await using folder = await archiveFolder();
    await using packs = packThreadFor('zstd', null);
    const { bytes } = log().between(rotate(NEXT));
    const { writer, sealed } = folder.writer(await folder.end(), { packs });
    writer.rotate(FILE, 4);
    writer.append(bytes, 4, bytes.length);
    const isPacking = (): boolean => openFilesAt(folder.repository.path).some((path) => path.endsWith('.partial'));
    await waitFor(isPacking, { timeoutMs: 20_000, what: 'the packing thread' });
    await rename(folder.path(FILE), folder.path('moved'));
    await mkdir(folder.path(FILE)); // which cannot be removed as a file
    writer.rotate(NEXT, 4);
    await expect(writer.failed).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    await expect(writer.finish()).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    expect(sealed).toMatchObject([{ file: FILE }]);
    expect(openFilesAt(folder.repository.path)).toEqual([]);
  });

  it('asks the source to wait while much is unwritten, and to go on again', async () => {
    await using folder = await archiveFolder();
    const builder = log({ groups: 12, bytes: 800_000 });
    const { writer, pressure } = folder.writer(await folder.end());
    writer.rotate(FILE, 4);
    for (const { start, end } of builder.events) writer.append(builder.bytes, start, end);
    await writer.finish();
    expect(pressure).toEqual([true, false]);
    expect((await folder.read(FILE)).equals(builder.bytes)).toBe(true);
  });

  it('goes on where the archive ends, and only there', async () => {
    await using folder = await archiveFolder();
    const builder = log();
    const { start } = groupAt(builder, 2);
    await folder.put(FILE, builder.bytes.subarray(0, start));
    const { writer } = folder.writer(await folder.end());
    writer.rotate(FILE, start);
    writer.append(builder.bytes, start, builder.size);
    await writer.finish();
    expect(await folder.read(FILE)).toEqual(builder.bytes);
    const again = folder.writer(await folder.end()).writer;
    again.rotate(FILE, start);
    const refusal = {
      code: 'STREAM_DAMAGED',
      message: `the source sends '${FILE}' from ${start}, which was not asked for`,
    };
    await expect(again.failed).rejects.toMatchObject(refusal);
    await expect(again.finish()).rejects.toMatchObject(refusal);
    expect(await folder.read(FILE)).toEqual(builder.bytes);
  });

  it('takes no bytes before it knows their file', async () => {
    await using folder = await archiveFolder();
    const { bytes } = log();
    const { writer } = folder.writer(await folder.end());
    writer.append(bytes, 4, bytes.length);
    await expect(writer.finish()).rejects.toThrow('the stream began without naming its file');
  });

  it('refuses a file that does not follow the one before it', async () => {
    await using folder = await archiveFolder();
    const first = log();
    const { writer } = folder.writer(await folder.end());
    writer.rotate(FILE, 4);
    writer.append(first.bytes, 4, first.size);
    writer.rotate('binlog.000003', 4);
    await expect(writer.finish()).rejects.toMatchObject({
      code: 'LINEAGE_MISMATCH',
      message: `the source went from '${FILE}' to 'binlog.000003'`,
    });
  });

  it('follows names over six digits', async () => {
    await using folder = await archiveFolder();
    const { writer, sealed } = folder.writer(await folder.end());
    const [first, second] = [log(), log({ from: 3 })];
    writer.rotate('binlog.999999', 4);
    writer.append(first.bytes, 4, first.size);
    writer.rotate('binlog.1000000', 4);
    writer.append(second.bytes, 4, second.size);
    await writer.finish();
    expect(sealed.map(({ file }) => file)).toEqual(['binlog.999999']);
    const { sealed: before, open } = await folder.end();
    expect([before?.manifest.file, open?.file]).toEqual(['binlog.999999', 'binlog.1000000']);
    await open?.close();
  });

  it('refuses a file that does not begin with the GTIDs that the one before it ended with', async () => {
    await using folder = await archiveFolder();
    const [first, second] = [log(), log({ from: 7 })];
    const { writer } = folder.writer(await folder.end());
    writer.rotate(FILE, 4);
    writer.append(first.bytes, 4, first.size);
    writer.rotate(NEXT, 4);
    writer.append(second.bytes, 4, second.size);
    await expect(writer.finish()).rejects.toMatchObject({
      code: 'LINEAGE_MISMATCH',
      message: `'${NEXT}' begins after GTIDs '0-101-7', but '${FILE}' ended at '0-101-3'`,
    });
    expect((await folder.segments()).map(({ file, state }) => [file, state])).toEqual([
      [FILE, 'sealed'],
      [NEXT, 'open'],
    ]);
  });

  it('refuses a file that begins with no GTIDs behind one that has some, as after RESET MASTER and a rotation', async () => {
    await using folder = await archiveFolder();
    const [first, second] = [log().between(rotate(NEXT)), log()];
    const { writer } = folder.writer(await folder.end());
    writer.rotate(FILE, 4);
    writer.append(first.bytes, 4, first.size);
    writer.rotate(NEXT, 4);
    writer.append(second.bytes, 4, second.size);
    await expect(writer.finish()).rejects.toMatchObject({ code: 'LINEAGE_MISMATCH' });
  });

  it('refuses it also when a cut came between its format and its GTIDs', async () => {
    await using folder = await archiveFolder();
    const [first, second] = [log(), log({ from: 7 })];
    const formatEnd = second.events[0]?.end ?? 0;
    const { writer } = folder.writer(await folder.end());
    writer.rotate(FILE, 4);
    writer.append(first.bytes, 4, first.size);
    writer.rotate(NEXT, 4);
    writer.append(second.bytes, 4, formatEnd);
    await writer.finish();
    const end = await folder.end();
    expect(end.open).toMatchObject({ file: NEXT, size: formatEnd });
    const { writer: later } = folder.writer(end);
    later.rotate(NEXT, formatEnd);
    later.append(second.bytes, formatEnd, second.size);
    await expect(later.finish()).rejects.toMatchObject({
      code: 'LINEAGE_MISMATCH',
      message: `'${NEXT}' begins after GTIDs '0-101-7', but '${FILE}' ended at '0-101-3'`,
    });
    expect((await folder.segments()).at(-1)?.bytes).toBe(formatEnd);
  });

  it('asks also at each end of a file of MySQL: its GTIDs do not show that the next one follows', async () => {
    await using folder = await archiveFolder('mysql');
    const builder = new BinlogBuilder({ version: MYSQL }).between(previousGtids([]));
    builder.group([query('create table t (id int)')], { ending: 'statement' });
    const { bytes, size } = builder.between(rotate(NEXT));
    const asked: unknown[] = [];
    const confirmEnd = (left: unknown): Promise<void> => {
      asked.push(left);
      return Promise.resolve();
    };
    const { writer, sealed } = folder.writer(await folder.end(), { confirmEnd });
    writer.rotate(FILE, 4);
    writer.append(bytes, 4, size);
    writer.rotate(NEXT, 4);
    await writer.finish();
    expect(asked).toEqual([{ file: FILE, ended: 'rotate' }]);
    expect(sealed.map(({ file }) => file)).toEqual([FILE]);
  });

  it('asks before it takes a file that ended without a word for a crash, and for no other one', async () => {
    await using folder = await archiveFolder();
    const [first, second] = [log().between(rotate(NEXT)), log({ from: 3 })];
    const asked: string[] = [];
    const { writer, sealed } = folder.writer(await folder.end(), {
      confirmEnd: async ({ file }) => {
        asked.push(file);
        await Promise.reject(new Error('it has another one'));
      },
    });
    writer.rotate(FILE, 4);
    writer.append(first.bytes, 4, first.size);
    writer.rotate(NEXT, 4);
    writer.append(second.bytes, 4, second.size);
    writer.rotate('binlog.000003', 4);
    await expect(writer.finish()).rejects.toThrow('it has another one');
    expect(asked).toEqual([NEXT]);
    expect(sealed.map(({ file }) => file)).toEqual([FILE]);
    expect((await folder.segments()).map(({ file, state }) => [file, state])).toEqual([
      [FILE, 'sealed'],
      [NEXT, 'open'],
    ]);
  });

  it('refuses a source that goes to its next file in the middle of an event', async () => {
    await using folder = await archiveFolder();
    const { bytes } = log();
    const { writer } = folder.writer(await folder.end());
    writer.rotate(FILE, 4);
    writer.append(bytes, 4, bytes.length - 1);
    writer.rotate(NEXT, 4);
    await expect(writer.finish()).rejects.toMatchObject({
      code: 'STREAM_DAMAGED',
      message: 'the source went on to its next file in the middle of an event',
    });
  });

  it('goes on to the next file after a crash of the source, without the group that never ended', async () => {
    await using folder = await archiveFolder();
    const crashed = log().unfinished([mariadbGtid('0-101-4')]);
    const next = log({ from: 3 }).between(rotate('binlog.000003'));
    const { writer, sealed } = folder.writer(await folder.end());
    writer.rotate(FILE, 4);
    writer.append(crashed.bytes, 4, crashed.size);
    writer.rotate(NEXT, 4);
    writer.append(next.bytes, 4, next.size);
    writer.rotate('binlog.000003', 4);
    await writer.finish();
    expect(sealed.map(({ ended, tornBytes, gtidEnd }) => [ended, tornBytes, gtidEnd])).toEqual([
      ['source-crashed', crashed.size - crashed.boundaryBefore(crashed.size), '0-101-3'],
      ['rotate', 0, '0-101-6'],
    ]);
  });
});

describe('what commits wait for', () => {
  it('is acknowledged after its fsync, one for all that one fsync made durable (peers 14: go-mysql #921)', async () => {
    await using folder = await archiveFolder();
    const builder = log({ groups: 4 });
    const acknowledged: number[] = [];
    const { writer } = folder.writer(await folder.end(), {
      sync: 60_000, // what is awaited does not wait for that
      onAcknowledge: ({ position }) => acknowledged.push(position),
    });
    using syncs = await holdSyncs();
    writer.rotate(FILE, 4);
    writer.append(builder.bytes, 4, groupAt(builder, 0).start);
    for (const { start, end } of builder.groups) {
      writer.append(builder.bytes, start, end);
      writer.awaited();
    }
    await waitFor(() => syncs.begun > 0, { timeoutMs: 5000, what: 'the fsync' });
    expect((await folder.read(FILE)).length).toBe(builder.size);
    expect(acknowledged).toEqual([]);
    syncs.release();
    await waitFor(() => acknowledged.length > 0, { timeoutMs: 5000, what: 'the acknowledgement' });
    await writer.finish();
    expect([acknowledged, syncs.begun]).toEqual([[builder.size], 1]);
  });

  it('is not acknowledged by an fsync that had begun before it came', async () => {
    await using folder = await archiveFolder();
    const builder = log({ groups: 2 });
    const [early, late] = [groupAt(builder, 0), groupAt(builder, 1)];
    const acknowledged: number[] = [];
    const { writer } = folder.writer(await folder.end(), {
      onAcknowledge: ({ position }) => acknowledged.push(position),
    });
    using syncs = await holdSyncs();
    writer.rotate(FILE, 4);
    writer.append(builder.bytes, 4, early.end);
    writer.awaited();
    await waitFor(() => syncs.begun > 0, { timeoutMs: 5000, what: 'the fsync' });
    writer.append(builder.bytes, late.start, late.end);
    writer.awaited();
    syncs.release();
    await waitFor(() => acknowledged.length > 1, { timeoutMs: 5000, what: 'both acknowledgements' });
    await writer.finish();
    expect(acknowledged).toEqual([early.end, late.end]);
  });

  it('is acknowledged at once when it was durable before, in an open file and in a sealed one', async () => {
    await using folder = await archiveFolder();
    const builder = log().between(rotate(NEXT));
    await folder.put(FILE, builder.bytes);
    for (const file of [FILE, NEXT]) {
      const acknowledged: Coordinates[] = [];
      const end = await folder.end();
      const { writer } = folder.writer(end, { onAcknowledge: (upTo) => acknowledged.push(upTo) });
      const { tail } = end;
      if (tail === null) throw new Error('nothing comes again');
      writer.expect(tail);
      writer.rotate(FILE, tail.from);
      writer.append(builder.bytes, tail.from, builder.size);
      writer.awaited();
      await waitFor(() => acknowledged.length > 0, { timeoutMs: 5000, what: `the acknowledgement, then ${file}` });
      expect(acknowledged).toEqual([{ file: FILE, position: builder.size }]);
      writer.rotate(NEXT, 4);
      await writer.finish();
      await rm(folder.path(NEXT), { force: true });
    }
  });

  it('is not acknowledged when the sync fails', async () => {
    await using folder = await archiveFolder();
    const builder = log();
    const acknowledged: Coordinates[] = [];
    const { writer } = folder.writer(await folder.end(), { onAcknowledge: (upTo) => acknowledged.push(upTo) });
    using syncs = await holdSyncs({ fail: true });
    writer.rotate(FILE, 4);
    writer.append(builder.bytes, 4, builder.size);
    writer.awaited();
    syncs.release();
    await expect(writer.failed).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    await expect(writer.finish()).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    expect(acknowledged).toEqual([]);
  });
});
