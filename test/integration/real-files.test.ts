import { readdirSync, readFileSync } from 'node:fs';
import { copyFile, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexSegment } from '../../src/archive/read-segment.ts';
import type { ArchivedSegment } from '../../src/archive/repository.ts';
import { nextFile } from '../../src/binlog/coordinates.ts';
import { EVENT } from '../../src/binlog/event-type.ts';
import { flavorOf } from '../../src/binlog/format-description.ts';
import { exportLogs } from '../../src/operations/export.ts';
import { scan } from '../../src/operations/scan.ts';
import { makeTempDirectory } from '../../src/platform/temp-dir.ts';
import { parseRotate } from '../../src/server/replication-protocol.ts';
import { archiveFolder, type ArchiveFolder } from '../support/archive-folder.ts';
import { readInPieces } from '../support/binlog-reading.ts';
import { hideInUse } from '../support/compare.ts';
import { BINLOG_FIXTURES, BINLOG_FIXTURES_ABSENT } from '../support/fixture-paths.ts';
import { verifyAt } from '../support/verify-scene.ts';
import { receivedFrom, servedSegments } from '../support/received-log.ts';

const OURS = join(import.meta.dirname, '../../fixtures/binlogs');

/** Relay logs, torn and encrypted files are none that a server sends. */
const NEVER_SENT = /relay|torn|encrypted\./;

function realFiles(): string[] {
  return [OURS, ...(BINLOG_FIXTURES_ABSENT ? [] : [BINLOG_FIXTURES])].flatMap((folder) => {
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    const logs = names.filter((name) => /\.\d{6}$/.test(name) && !NEVER_SENT.test(name)).sort();
    return logs.map((name) => join(folder, name));
  });
}

/** As a server sends the file. */
function streamed(path: string): Buffer {
  return hideInUse(readFileSync(path));
}

/** The name that the file had on its server: the one before that which it names as the next. */
function nameOnServer(bytes: Buffer): string {
  let last = 4;
  for (let at = 4; at < bytes.length; at += bytes.readUInt32LE(at + 9)) last = at;
  if (bytes[last + 4] !== EVENT.ROTATE) return 'binlog.000001';
  const withChecksum = readInPieces(bytes).reading.format?.checksum === 'crc32';
  const { file } = parseRotate(bytes.subarray(last), withChecksum);
  return file.replace(/\d+$/, (digits) => String(Number(digits) - 1).padStart(digits.length, '0'));
}

/** An archive that has the file, sealed, and nothing of the next one. */
async function archived(path: string): Promise<{ folder: ArchiveFolder; segment: ArchivedSegment; version: string }> {
  const bytes = streamed(path);
  const { format, gtidStart } = readInPieces(bytes).reading;
  if (format === null) throw new Error(`${path} has no format`);
  const { serverVersion: version, time: firstOpenedAt, serverId } = format;
  const file = nameOnServer(bytes);
  const folder = await archiveFolder(flavorOf(version));
  const first = { firstFile: file, firstOpenedAt, firstGtidState: gtidStart?.toString() ?? null };
  await folder.repository.writeLineage({ ...folder.lineage, serverId, ...first });
  const { writer } = folder.writer(await folder.end());
  writer.rotate(file, 4);
  writer.append(bytes, 4, bytes.length);
  writer.rotate(nextFile(file), 4);
  await writer.finish();
  const segment = (await folder.segments()).find((found) => found.file === file);
  if (segment === undefined) throw new Error(`${file} is not in the archive`);
  return { folder, segment, version };
}

describe.each(realFiles().map((path) => [basename(path), path]))('%s', (_, path) => {
  let archive: Awaited<ReturnType<typeof archived>>;

  beforeAll(async () => {
    archive = await archived(path);
  });

  afterAll(async () => {
    await archive.folder[Symbol.asyncDispose]();
  });

  it('is archived, indexed and exported as it is', async () => {
    const { folder, segment } = archive;
    await using temporary = await makeTempDirectory('lastgood-test-');
    const { files } = await exportLogs({
      repository: folder.repository,
      ...{ name: folder.lineage.name, lineage: null, from: null, to: { file: nextFile(segment.file), position: 4 } },
      out: join(temporary.path, 'out'),
      signal: new AbortController().signal,
    });
    const [exported] = files;
    expect((await readFile(exported?.path ?? '')).equals(streamed(path))).toBe(true);

    const copy = join(temporary.path, segment.file);
    await copyFile(path, copy);
    const [[original], [again]] = [
      (await scan({ paths: [copy], verifyChecksums: true })).files,
      (await scan({ paths: [exported?.path ?? ''], verifyChecksums: true })).files,
    ];
    expect({ ...again, path: '' }).toEqual({ ...original, path: '' });
    const { groups, events, gtidStart, gtidEnd, checksum } = original ?? {};
    expect(segment.manifest).toMatchObject({ groups, events, gtidStart, gtidEnd, checksum, bytes: original?.bytes });
    const { update } = await indexSegment({ segment, last: null, verifyChecksums: true });
    expect(segment.manifest).toMatchObject(update?.digest ?? { groups: -1 });
  });

  it('is verified without a finding; what its source reports itself is in the ledger', async () => {
    const { repository } = archive.folder;
    const { findings, summary } = await verifyAt(repository.path);
    expect(findings.filter(({ severity }) => severity !== 'info')).toEqual([]);
    const { groups, events } = archive.segment.manifest ?? {};
    expect(summary).toMatchObject({ groups, events });
    const kinds = (await repository.ledger.entries()).map(({ kind }) => kind);
    expect(kinds).toEqual(path.includes('incident-event') ? ['source-incident'] : []);
  });

  it('is sent by the archive server to our own client as it is', async () => {
    const { folder, segment, version } = archive;
    const identity = { flavor: folder.lineage.flavor, serverVersion: version, serverId: 1, gtidState: null };
    const received = await receivedFrom(await servedSegments([segment]), identity);
    expect([...received.keys()]).toEqual([segment.file]);
    expect(received.get(segment.file)?.equals(streamed(path))).toBe(true);
  });

  it('can be cut between any two groups: both pieces have their groups and GTIDs', async () => {
    const { folder, segment } = archive;
    await using temporary = await makeTempDirectory('lastgood-test-');
    const whole = readInPieces(streamed(path)).heard;
    const middle = whole.groups[Math.floor(whole.groups.length / 2)];
    if (middle === undefined) return; // one file has no group at all
    const cut = { file: segment.file, position: middle.start };
    const piecesOf = async (range: { from: typeof cut | null; to: typeof cut | null }, out: string) => {
      const { files } = await exportLogs({
        repository: folder.repository,
        ...{ name: folder.lineage.name, lineage: null, ...range, out: join(temporary.path, out) },
        signal: new AbortController().signal,
      });
      return readInPieces(await readFile(files[0]?.path ?? ''));
    };
    const before = await piecesOf({ from: null, to: cut }, 'before');
    const behind = await piecesOf({ from: cut, to: null }, 'behind');
    expect([...before.reading.problems, ...behind.reading.problems]).toEqual([]);
    expect(behind.reading.gtidStart?.toString()).toBe(before.reading.gtidEnd?.toString());
    const gtids = [...before.heard.groups, ...behind.heard.groups].map(
      ({ gtid, ending }) => `${gtid ?? '-'} ${ending}`,
    );
    expect(gtids).toEqual(whole.groups.map(({ gtid, ending }) => `${gtid ?? '-'} ${ending}`));
    expect([...before.heard.states, ...behind.heard.states]).toEqual(whole.states);
  });
});
