import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { compress } from 'zstd-napi';
import { describe, expect, it } from 'vitest';
import { findBinlogFiles } from '../../../src/operations/binlog-files.ts';
import { scan, type ScanOptions, type ScanResult } from '../../../src/operations/scan.ts';
import { makeTempDirectory, type TempDirectory } from '../../../src/platform/temp-dir.ts';
import { BinlogBuilder, gtidList, mariadbGtid, MYSQL_55, query, rotate, STOP } from '../../support/binlog-builder.ts';
import { openFilesAt } from '../../support/open-files.ts';

const TEN_O_CLOCK = Date.UTC(2026, 10, 22, 10) / 1000;

/** A file of two groups, an insert and a TRUNCATE, with the GTIDs that follow `0-101-<from>`. */
function aLog(options: { from?: number; time?: number; end?: 'rotate' | 'stop' | 'open' } = {}): BinlogBuilder {
  const { from = 0, time = TEN_O_CLOCK, end = 'rotate' } = options;
  const log = new BinlogBuilder({ time }).between(gtidList(from === 0 ? '' : `0-101-${from}`));
  for (const [index, text] of ['TRUNCATE a', 'INSERT INTO a VALUES (1)'].entries()) {
    const gtid = `0-101-${from + index + 1}`;
    log.group([mariadbGtid(gtid, { standalone: true }), query(text)], { gtid, ending: 'statement' });
  }
  if (end === 'rotate') log.between(rotate('binlog.000009'));
  if (end === 'stop') log.between(STOP);
  return log;
}

async function aFolder(files: Readonly<Record<string, Buffer>>): Promise<TempDirectory> {
  const folder = await makeTempDirectory('lastgood-test-');
  for (const [name, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(folder.path, name)), { recursive: true });
    await writeFile(join(folder.path, name), bytes);
  }
  return folder;
}

async function scanFolder(
  files: Readonly<Record<string, Buffer>>,
  { names = ['.'], ...options }: Partial<ScanOptions> & { names?: readonly string[] } = {},
): Promise<ScanResult> {
  await using folder = await aFolder(files);
  const paths = names.map((name) => join(folder.path, name));
  return await scan({ paths, verifyChecksums: true, ...options });
}

const namesOf = ({ files }: ScanResult): string[] =>
  files.map(({ path }) => path.replace(/^.*lastgood-test-[^/]+\//, ''));

describe('scan', () => {
  it('tells of each file what the contract says', async () => {
    await using folder = await aFolder({ 'binlog.000001': aLog().bytes });
    const path = join(folder.path, 'binlog.000001');
    const { files, incidents } = await scan({ paths: [path], verifyChecksums: true });
    expect(files).toEqual([
      {
        path,
        server: '10.11.19-MariaDB-log',
        flavor: 'mariadb',
        checksum: 'crc32',
        events: 7,
        groups: 2,
        bytes: aLog().size,
        firstTime: '2026-11-22T10:00:01Z',
        lastTime: '2026-11-22T10:00:02Z',
        gtidStart: '',
        gtidEnd: '0-101-2',
        end: 'rotate',
        problems: [],
      },
    ]);
    expect(incidents).toMatchObject([
      { kind: 'truncate-table', gtid: '0-101-1', lineage: null, file: 'binlog.000001' },
    ]);
  });

  it('takes of a folder the files that begin as binary logs, in the order of their numbers', async () => {
    const result = await scanFolder({
      'binlog.1000000': aLog({ from: 4 }).bytes,
      'binlog.999999': aLog({ from: 2 }).bytes,
      'binlog.index': Buffer.from('./binlog.999999\n'),
      'aria_log.00000001': Buffer.alloc(100, 0xfe),
      'deeper/binlog.000001': aLog().bytes,
    });
    expect(namesOf(result)).toEqual(['binlog.999999', 'binlog.1000000']);
  });

  it('orders files of different base names by the time they were opened', async () => {
    const [late, early] = [aLog({ time: TEN_O_CLOCK + 60 }).bytes, aLog().bytes];
    const result = await scanFolder({ 'a-late.000001': late, 'b-early.000001': early, 'b-early.000002': late });
    expect(namesOf(result)).toEqual(['b-early.000001', 'b-early.000002', 'a-late.000001']);
  });

  it('reads a file once that is named twice', async () => {
    await using folder = await aFolder({ 'binlog.000001': aLog().bytes });
    const path = join(folder.path, 'binlog.000001');
    await symlink(path, join(folder.path, 'link.000001'));
    const { files } = await scan({
      paths: [path, folder.path, join(folder.path, 'link.000001')],
      verifyChecksums: true,
    });
    expect(files).toHaveLength(1);
  });

  it('names the last good group of the file before, when nothing can be missing between the two', async () => {
    const first = aLog();
    for (const end of ['rotate', 'stop'] as const) {
      const { incidents } = await scanFolder({
        'binlog.000001': aLog({ end }).bytes,
        'binlog.000002': aLog({ from: 2 }).bytes,
      });
      expect(incidents[1]?.lastGood).toEqual({
        gtid: '0-101-2',
        file: 'binlog.000001',
        end: first.groups[1]?.end,
        time: '2026-11-22T10:00:02Z',
      });
    }
  });

  it.each([
    ['a file is missing', { 'binlog.000001': aLog(), 'binlog.000003': aLog({ from: 2 }) }],
    [
      'the file before may be half a copy',
      { 'binlog.000001': aLog({ end: 'open' }), 'binlog.000002': aLog({ from: 2 }) },
    ],
    [
      'the file before is of another series',
      { 'a.000001': aLog(), 'b.000002': aLog({ from: 2, time: TEN_O_CLOCK + 9 }) },
    ],
  ])('cuts at the start of the incident when %s', async (_title, logs) => {
    const files = Object.fromEntries(Object.entries(logs).map(([name, log]) => [name, log.bytes]));
    const { incidents } = await scanFolder(files);
    const [, second] = incidents;
    expect(second?.lastGood).toEqual({ gtid: '0-101-2', file: second?.file, end: second?.start, time: null });
  });

  it('reports a file that ends inside an event, with what was before', async () => {
    const whole = aLog();
    const cut = whole.bytes.subarray(0, (whole.groups[1]?.end ?? 0) - 3);
    const { files, incidents } = await scanFolder({ 'binlog.000001': cut });
    expect(files).toMatchObject([{ groups: 1, end: 'torn', problems: [{ problem: 'the file ends inside an event' }] }]);
    expect(incidents).toHaveLength(1);
  });

  it('tells of a group that the file ends in what it may have done, and that nobody knows whether it did', async () => {
    const log = aLog({ end: 'open' });
    const cut = log.size;
    log.unfinished([mariadbGtid('0-101-3'), query('BEGIN'), query('DELETE FROM a'), query('INSERT INTO a VALUES (2)')]);
    const ends = [log.bytes, log.bytes.subarray(0, -3)];
    for (const bytes of ends) {
      const { files, incidents } = await scanFolder({ 'binlog.000001': bytes });
      expect(files).toMatchObject([{ groups: 2, end: 'torn' }]);
      expect(incidents.map(({ kind, state, start, end }) => [kind, state, start, end])).toEqual([
        ['truncate-table', 'effective', log.groups[0]?.start, log.groups[0]?.end],
        ['mass-delete', 'unknown', cut, bytes.length],
      ]);
    }
    const next = aLog({ from: 2, time: TEN_O_CLOCK + 9 }).bytes;
    const { incidents } = await scanFolder({ 'binlog.000001': log.bytes, 'binlog.000002': next });
    expect(incidents.map(({ state }) => state)).toEqual(['effective', 'rolled-back', 'effective']);
  });

  it('reports a wrong checksum with its offset, unless told not to look', async () => {
    const log = aLog();
    const bytes = log.bytes;
    const start = log.events.find(({ end }) => end === log.groups[1]?.end)?.start ?? 0;
    bytes.writeUInt8(bytes.readUInt8(start + 40) ^ 1, start + 40);
    const problem = { offset: start, problem: 'the checksum of the event is wrong' };
    expect((await scanFolder({ 'binlog.000001': bytes })).files[0]?.problems).toEqual([problem]);
    const unseen = await scanFolder({ 'binlog.000001': bytes }, { verifyChecksums: false });
    expect(unseen.files[0]?.problems).toEqual([]);
  });

  it.each([
    ['an empty file', Buffer.alloc(0), /empty/],
    ['a text file', Buffer.from('SELECT 1;\n'.repeat(9)), /not a binary log/],
    [
      'a file encrypted by MySQL',
      Buffer.concat([Buffer.from([0xfd, 0x62, 0x69, 0x6e]), Buffer.alloc(600, 7)]),
      /encrypted/,
    ],
  ])('reports %s that is named as unreadable, and reads the others', async (_title, bytes, problem) => {
    const result = await scanFolder(
      { 'odd.000001': bytes, 'binlog.000001': aLog().bytes },
      { names: ['odd.000001', 'binlog.000001'] },
    );
    const odd = result.files.find(({ path }) => path.endsWith('odd.000001'));
    expect(odd).toMatchObject({ server: null, flavor: null, checksum: null, groups: 0, firstTime: null, end: 'torn' });
    expect(odd?.problems[0]?.problem).toMatch(problem);
    expect(result.incidents).toHaveLength(1);
  });

  it.each([
    ['gz', (bytes: Buffer) => gzipSync(bytes)],
    ['zst', (bytes: Buffer) => Buffer.concat([compress(bytes.subarray(0, 300)), compress(bytes.subarray(300))])],
  ])('reads a file compressed as .%s like the plain one', async (suffix, pack) => {
    const plain = await scanFolder({ 'binlog.000001': aLog().bytes });
    const packed = await scanFolder({ [`binlog.000001.${suffix}`]: pack(aLog().bytes) });
    expect(packed.incidents).toEqual(plain.incidents);
    expect(packed.files).toEqual(
      plain.files.map((file) => ({ ...file, path: expect.stringMatching(`.${suffix}$`) as string })),
    );
  });

  it.each([
    ['gz', gzipSync, 'unexpected end of file'],
    ['zst', compress, 'Stream ended in middle of compressed data frame'],
  ])('reports a file compressed as .%s that is damaged', async (suffix, pack, why) => {
    const packed = pack(aLog().bytes);
    const { files } = await scanFolder({ [`binlog.000001.${suffix}`]: packed.subarray(0, packed.length - 20) });
    expect(files[0]?.problems.at(-1)?.problem).toBe(`the compressed data is damaged: ${why}`);
  });

  it('knows no GTIDs where the source writes none', async () => {
    const log = new BinlogBuilder({ version: MYSQL_55, checksum: 'none' });
    for (const text of ['INSERT INTO a VALUES (1)', 'DROP TABLE a']) log.group([query(text)], { ending: 'statement' });
    const { files, incidents } = await scanFolder({ 'binlog.000001': log.bytes });
    expect(files).toMatchObject([{ flavor: 'mysql', checksum: 'none', gtidStart: null, gtidEnd: null, end: 'open' }]);
    expect(incidents).toMatchObject([{ gtid: null, lastGood: { gtid: null, end: log.groups[0]?.end } }]);
  });

  it('looks into a folder of any size with few files open: a process may open only so many', async () => {
    const { bytes } = aLog();
    const names = Array.from({ length: 300 }, (_, index) => `binlog.${String(index + 1).padStart(6, '0')}`);
    await using folder = await aFolder(Object.fromEntries(names.map((name) => [name, bytes])));
    let most = 0;
    const look = setInterval(() => {
      most = Math.max(most, openFilesAt(folder.path).length);
    });
    const [series] = await findBinlogFiles([folder.path]).finally(() => {
      clearInterval(look);
    });
    expect(series?.map(({ name }) => name)).toEqual(names);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(64);
  });

  it('refuses a path that does not exist, and a folder without a binary log', async () => {
    await using folder = await makeTempDirectory('lastgood-test-');
    const missing = join(folder.path, 'binlog.000001');
    await expect(scan({ paths: [missing], verifyChecksums: true })).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: expect.stringContaining(`cannot read '${missing}': ENOENT`) as string,
    });
    await expect(scan({ paths: [folder.path], verifyChecksums: true })).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: `no binary log in folder '${folder.path}'`,
    });
  });

  it('tells how far it is, up to all bytes of all files', async () => {
    const seen: (readonly [number, number])[] = [];
    const [first, second] = [aLog(), aLog({ from: 2 })];
    const size = first.size + second.size;
    await scanFolder(
      { 'binlog.000001': first.bytes, 'binlog.000002': second.bytes },
      { onProgress: (done, total) => seen.push([done, total]) },
    );
    expect(seen.map(([done]) => done)).toEqual(seen.map(([done]) => done).toSorted((a, b) => a - b));
    expect(seen.at(-1)).toEqual([size, size]);
  });

  it('ends when told to', async () => {
    const scanning = scanFolder({ 'binlog.000001': aLog().bytes }, { signal: AbortSignal.abort() });
    await expect(scanning).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });

  it('reads standard input, also compressed, in pieces', async () => {
    const { bytes } = aLog({ from: 2 });
    const inPieces = (whole: Buffer): Readable =>
      Readable.from([whole.subarray(0, 1), whole.subarray(1, 3), whole.subarray(3, 700), whole.subarray(700)]);
    for (const whole of [bytes, gzipSync(bytes), compress(bytes)]) {
      const { files, incidents } = await scan({ paths: ['-'], stdin: inPieces(whole), verifyChecksums: true });
      expect(files).toMatchObject([{ path: '-', bytes: bytes.length, groups: 2, problems: [] }]);
      expect(incidents).toMatchObject([{ kind: 'truncate-table', gtid: '0-101-3', file: '-' }]);
    }
  });

  it('says of an empty or cut standard input what it could read', async () => {
    const of = async (...chunks: Buffer[]): Promise<ScanResult> =>
      await scan({ paths: ['-'], stdin: Readable.from(chunks), verifyChecksums: true });
    expect((await of()).files).toMatchObject([{ path: '-', bytes: 0, problems: [{ offset: 0 }] }]);
    const { bytes } = aLog();
    expect((await of(bytes.subarray(0, bytes.length - 5))).files).toMatchObject([{ groups: 2, end: 'torn' }]);
    const cut = (await of(gzipSync(bytes).subarray(0, -20))).files;
    expect(cut).toMatchObject([{ problems: expect.arrayContaining([expect.objectContaining({})]) as unknown }]);
  });

  it('finds the same in several threads as in one', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 4 }, (_, at) => {
        const log = aLog({ from: 2 * at, end: 'open' });
        const gtid = `0-101-${2 * at + 100}`;
        const large = query(`INSERT INTO a VALUES ('${'x'.repeat(20_000_000)}')`);
        log.group([mariadbGtid(gtid, { standalone: true }), large], { gtid, ending: 'statement' });
        return [`binlog.00000${at + 1}`, log.between(rotate('binlog.000009')).bytes];
      }),
    );
    await using folder = await aFolder(files);
    const options = { paths: [folder.path], verifyChecksums: true };
    const seen: number[] = [];
    const [one, several] = [
      await scan({ ...options, jobs: 1 }),
      await scan({ ...options, jobs: 3, onProgress: (done) => seen.push(done) }),
    ];
    expect(several).toEqual(one);
    expect(one.incidents).toHaveLength(4);
    expect(seen.at(-1)).toBe(Object.values(files).reduce((sum, { length }) => sum + length, 0));
  });

  it('refuses a file that is gone when its turn comes, in whatever thread', async () => {
    const files = { 'binlog.000001': Buffer.alloc(40_000_000), 'binlog.000002': Buffer.alloc(40_000_000) };
    await using folder = await aFolder(files);
    const paths = Object.keys(files).map((name) => join(folder.path, name));
    const scanning = scan({ paths, verifyChecksums: true, jobs: 2 });
    const refused = expect(scanning).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    await Promise.all(paths.map((path) => rm(path)));
    await refused;
  });
});
