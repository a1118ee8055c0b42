import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, writeFile, type FileHandle } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { KeyRing } from '../../../src/archive/key-ring.ts';
import { packThreadFor, type PackThread } from '../../../src/archive/pack-thread.ts';
import { openSegment } from '../../../src/archive/read-segment.ts';
import type { ArchivedSegment } from '../../../src/archive/repository.ts';
import { SegmentWriter } from '../../../src/archive/segment-writer.ts';
import { makeTempDirectory, type TempDirectory } from '../../../src/platform/temp-dir.ts';
import { archiveFolder, type ArchiveFolder } from '../../support/archive-folder.ts';
import {
  BinlogBuilder,
  gtidList,
  mariadbGtid,
  rotate,
  tableMap,
  writeRows,
  xid,
} from '../../support/binlog-builder.ts';
import { openFilesAt } from '../../support/open-files.ts';
import { keyRing } from '../../support/stored-segment.ts';

const FILE = 'binlog.000001';
const NEXT = 'binlog.000002';
const MIB = 1024 * 1024;

let folder: TempDirectory;
let keys: KeyRing;
/** Starting a thread takes longer than any of the tests: they share one of each form. */
let threads: Record<'zst' | 'enc', PackThread | null>;

beforeAll(async () => {
  folder = await makeTempDirectory('lastgood-sealing-');
  keys = await keyRing(folder.path);
  threads = { zst: packThreadFor('zstd', null), enc: packThreadFor('zstd', keys) };
});
afterAll(async () => {
  for (const thread of Object.values(threads)) await thread?.[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** Three blocks and a bit. */
function log(): BinlogBuilder {
  const builder = new BinlogBuilder().between(gtidList(''));
  for (let n = 1; n <= 5; n += 1)
    builder.group([mariadbGtid(`0-101-${n}`), tableMap('shop', 't'), writeRows(700_000), xid()], {
      gtid: `0-101-${n}`,
      ending: 'commit',
    });
  return builder;
}

/** The lineage's folder without what is there anyway. */
async function filesOf(archived: ArchiveFolder): Promise<string[]> {
  const names = await readdir(archived.repository.lineageFolder(archived.lineage.id));
  return names.filter((name) => name !== 'lineage.json').sort();
}

async function writeAll(archived: ArchiveFolder, builder: BinlogBuilder, form: 'zst' | 'enc'): Promise<SegmentWriter> {
  const { repository, lineage } = archived;
  const writer = await SegmentWriter.create({
    ...{ folder: repository.lineageFolder(lineage.id), lineage: lineage.id, file: FILE, last: null },
    packs: threads[form],
  });
  for (const { start, end } of builder.events)
    await writer.write(
      builder.bytes.subarray(start, start + writer.take(builder.bytes.subarray(start, end), end - start)),
    );
  return writer;
}

/** A run before has written all but the last event. */
async function writeAgain(
  archived: ArchiveFolder,
  builder: BinlogBuilder,
  form: 'zst' | 'enc',
): Promise<SegmentWriter> {
  const { start, end } = builder.events.at(-1) ?? { start: 0, end: 0 };
  await archived.put(FILE, builder.bytes.subarray(0, start));
  const [segment] = await archived.segments();
  if (segment === undefined) throw new Error('no segment');
  const writer = await SegmentWriter.reopen(segment, null);
  writer.packWith(threads[form] ?? expect.fail('no thread'));
  await writer.write(
    builder.bytes.subarray(start, start + writer.take(builder.bytes.subarray(start, end), end - start)),
  );
  return writer;
}

async function contentOf(archived: ArchiveFolder, from = 0): Promise<Buffer> {
  const [segment] = await archived.segments();
  if (segment === undefined) throw new Error('no segment');
  return await read({ ...segment, keys }, from);
}

async function read(segment: ArchivedSegment, from: number): Promise<Buffer> {
  await using source = await openSegment(segment, from);
  const pieces: Buffer[] = [];
  for (;;) {
    const target = Buffer.alloc(MIB);
    const got = await source.read(target, 0);
    if (got === 0) return Buffer.concat(pieces);
    pieces.push(target.subarray(0, got));
  }
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe.each(['zst', 'enc'] as const)('sealing as .%s', (form) => {
  it('leaves the stored form and the manifest, which tells of both forms', async () => {
    await using archived = await archiveFolder();
    const builder = log().between(rotate(NEXT));
    const sealing = await writeAll(archived, builder, form);
    const { manifest, cleared } = await sealing.seal({ previousManifestSha256: null });
    await cleared;
    const name = `${FILE}.${form}`;
    expect(await filesOf(archived)).toEqual([`${FILE}.json`, name].sort());
    const stored = await archived.read(name);
    expect(manifest).toMatchObject({
      bytes: builder.size,
      sha256: sha256(builder.bytes),
      storedBytes: stored.length,
      storedSha256: sha256(stored),
      compression: 'zstd',
      encryption: form === 'enc' ? { algorithm: 'aes-256-gcm', keyId: keys.keys[0].id } : null,
    });
    expect((await contentOf(archived)).equals(builder.bytes)).toBe(true);
    expect((await contentOf(archived, 2 * MIB + 1)).equals(builder.bytes.subarray(2 * MIB + 1))).toBe(true);
    expect(await archived.segments()).toMatchObject([{ state: 'sealed', bytes: builder.size }]);
  });

  it('keeps only the plain bytes of a segment that stays open', async () => {
    await using archived = await archiveFolder();
    const builder = log();
    await (await writeAll(archived, builder, form)).close();
    expect(await filesOf(archived)).toEqual([FILE]);
    expect((await archived.read(FILE)).equals(builder.bytes)).toBe(true);
  });

  it('stores anew what was stored already, when its source never ended the group', async () => {
    await using archived = await archiveFolder();
    const builder = log().unfinished([
      mariadbGtid('0-101-6'),
      tableMap('shop', 't'),
      writeRows(900_000),
      writeRows(900_000),
    ]);
    const whole = builder.bytes.subarray(0, builder.boundaryBefore(builder.size));
    const { manifest } = await (await writeAll(archived, builder, form)).seal({ previousManifestSha256: null });
    expect(manifest).toMatchObject({ bytes: whole.length, sha256: sha256(whole), ended: 'source-crashed' });
    expect((await contentOf(archived)).equals(whole)).toBe(true);
  });

  it('is refused when the plain file is no longer what was written to it, and the segment stays open', async () => {
    await using archived = await archiveFolder();
    const builder = log().between(rotate(NEXT));
    const writer = await writeAll(archived, builder, form);
    const changed = Buffer.from(builder.bytes);
    changed[changed.length - 30] = (changed[changed.length - 30] ?? 0) ^ 1; // the last block is not stored yet
    await writeFile(archived.path(FILE), changed);
    await expect(writer.seal({ previousManifestSha256: null })).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      message: `'${archived.path(FILE)}' is not what was written to it`,
    });
    await writer.close();
    expect(await filesOf(archived)).toEqual([FILE]);
  });

  it('is refused when a byte changed that was there before the archiver was started again', async () => {
    await using archived = await archiveFolder();
    const builder = log().between(rotate(NEXT));
    const before = builder.groups[3]?.start ?? 0;
    await archived.put(FILE, builder.bytes.subarray(0, before));
    const { open: writer } = await archived.end();
    const packs = threads[form];
    if (writer === null || packs === null) throw new Error('nothing to go on with');
    const changed = Buffer.from(builder.bytes.subarray(0, before));
    changed[MIB + 1000] = (changed[MIB + 1000] ?? 0) ^ 1;
    await writeFile(archived.path(FILE), changed);
    writer.packWith(packs);
    const rest = builder.bytes.subarray(before);
    await writer.write(rest.subarray(0, writer.take(rest, rest.length)));
    await expect(writer.seal({ previousManifestSha256: null })).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      message: `'${archived.path(FILE)}' is not what was written to it`,
    });
    expect(await filesOf(archived)).toEqual([FILE]);
  });

  it.each([
    ['before the stored form has its name', ['plain', 'partial']],
    ['before the manifest', ['plain', 'stored']],
    ['while the manifest is written', ['plain', 'stored', 'manifest.partial']],
    ['before the plain file is removed', ['plain', 'stored', 'manifest']],
  ])('is put right when it was killed %s', async (_, kept) => {
    await using done = await archiveFolder();
    const builder = log().between(rotate(NEXT));
    await (await writeAll(done, builder, form)).seal({ previousManifestSha256: null });
    const stored = await done.read(`${FILE}.${form}`);
    const manifest = await done.read(`${FILE}.json`);
    await using killed = await archiveFolder();
    const files: Record<string, [string, Buffer]> = {
      plain: [FILE, builder.bytes],
      partial: [`${FILE}.${form}.partial`, stored.subarray(0, 5000)],
      stored: [`${FILE}.${form}`, stored],
      'manifest.partial': [`${FILE}.json.partial`, manifest.subarray(0, 50)],
      manifest: [`${FILE}.json`, manifest],
    };
    for (const name of kept) {
      const [file, bytes] = files[name] ?? ['', Buffer.alloc(0)];
      await killed.put(file, bytes);
    }
    const isSealed = kept.includes('manifest');
    Object.assign(killed.repository, { keys });
    const end = await killed.end();
    await end.open?.close();
    expect(await filesOf(killed)).toEqual(isSealed ? [`${FILE}.json`, `${FILE}.${form}`].sort() : [FILE]);
    expect(end.sealed === null).toBe(!isSealed);
    expect((await contentOf(killed)).equals(builder.bytes)).toBe(true);
  });
});

it('fails when the stored form cannot be written, and the segment stays open', async () => {
  await using archived = await archiveFolder();
  const partial = archived.path(`${FILE}.zst.partial`);
  await mkdir(partial);
  const writer = await writeAll(archived, log().between(rotate(NEXT)), 'zst');
  await expect(writer.seal({ previousManifestSha256: null })).rejects.toMatchObject({
    code: 'STORAGE_FAILED',
    message: `cannot write '${partial}': EISDIR: illegal operation on a directory, open '${partial}'`,
  });
  await writer.close();
  expect(await archived.segments()).toMatchObject([{ state: 'open' }]);
  expect(openFilesAt(archived.repository.path)).toEqual([]);
});

/** What is stored of neither is compared with what came: only a sync shows that the disk has lost it. */
const ANSWERING: [string, (archived: ArchiveFolder) => Promise<SegmentWriter>][] = [
  ['of a run before', (archived) => writeAgain(archived, log().between(rotate(NEXT)), 'enc')],
  ['that is cut', (archived) => writeAll(archived, log().unfinished([mariadbGtid('0-101-6')]), 'enc')],
];

it.each(ANSWERING)('fails with the plain file %s, and leaves its thread at rest for the next one', async (_, write) => {
  await using archived = await archiveFolder();
  const writer = await write(archived);
  await using handle = await open(import.meta.filename);
  const failure = Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO', syscall: 'fsync' });
  vi.spyOn(Object.getPrototypeOf(handle) as FileHandle, 'sync').mockRejectedValueOnce(failure);
  await expect(writer.seal({ previousManifestSha256: null })).rejects.toMatchObject({
    code: 'STORAGE_FAILED',
    message: `cannot write '${archived.path(FILE)}': ${failure.message}`,
  });
  expect(openFilesAt(archived.repository.path)).toEqual([]);
  expect(await archived.segments()).toMatchObject([{ state: 'open' }]);
});

it('does not remove a plain file that someone brought back for a stored form that is damaged', async () => {
  await using archived = await archiveFolder();
  const builder = log().between(rotate(NEXT));
  const { cleared } = await (await writeAll(archived, builder, 'zst')).seal({ previousManifestSha256: null });
  await cleared;
  const stored = await readFile(archived.path(`${FILE}.zst`));
  stored[100] = (stored[100] ?? 0) ^ 1;
  await archived.put(`${FILE}.zst`, stored);
  await archived.put(FILE, builder.bytes);
  await archived.end();
  expect((await archived.read(FILE)).equals(builder.bytes)).toBe(true);
});

it('says how the newest segment is fetched again, when it is damaged', async () => {
  await using archived = await archiveFolder();
  const builder = log().between(rotate(NEXT));
  const { cleared } = await (await writeAll(archived, builder, 'zst')).seal({ previousManifestSha256: null });
  await cleared;
  const stored = await readFile(archived.path(`${FILE}.zst`));
  const inLastBlock = stored.length - 100;
  stored[inLastBlock] = (stored[inLastBlock] ?? 0) ^ 1;
  await archived.put(`${FILE}.zst`, stored);
  const { tail } = await archived.end();
  if (tail === null) throw new Error('nothing to compare');
  await expect(tail.match(builder.bytes.subarray(tail.from))).rejects.toMatchObject({
    code: 'ARCHIVE_DAMAGED',
    message: expect.stringContaining(`segment '${archived.path(`${FILE}.zst`)}' is damaged at offset`) as string,
    hint: expect.stringContaining('its manifest too, out of the repository') as string,
  });
  await tail.close();
});

it('makes names durable that a killed archiver left so, before a plain file goes for them', async () => {
  await using archived = await archiveFolder();
  const builder = log().between(rotate(NEXT));
  const { cleared } = await (await writeAll(archived, builder, 'zst')).seal({ previousManifestSha256: null });
  await cleared;
  await archived.put(FILE, builder.bytes);
  await using handle = await open(import.meta.filename);
  const prototype = Object.getPrototypeOf(handle) as FileHandle;
  const seen: string[][] = [];
  const syncs = vi.spyOn(prototype, 'sync').mockImplementation(async () => void seen.push(await filesOf(archived)));
  await archived.end();
  syncs.mockRestore();
  expect(seen[0]).toEqual([FILE, `${FILE}.json`, `${FILE}.zst`]);
  expect(await filesOf(archived)).toEqual([`${FILE}.json`, `${FILE}.zst`]);
});

it('reads on when an open segment is sealed after it was listed', async () => {
  await using archived = await archiveFolder();
  const builder = log().between(rotate(NEXT));
  const writer = await writeAll(archived, builder, 'zst');
  const [listed] = await archived.segments();
  await writer.seal({ previousManifestSha256: null });
  if (listed === undefined) throw new Error('no segment');
  expect(listed.state).toBe('open');
  expect((await read(listed, 100)).equals(builder.bytes.subarray(100))).toBe(true);
});
