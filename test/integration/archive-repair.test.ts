import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { openRepository, type ArchivedSegment } from '../../src/archive/repository.ts';
import { openCatalog } from '../../src/catalog/catalog.ts';
import { catchUp } from '../../src/catalog/rebuild.ts';
import {
  archiveToTheLastByte,
  archiveUntilCurrent,
  repositoryBeside,
  segmentsOf,
  silentLog,
} from '../support/archiver.ts';
import { problemsOf } from '../support/crash-scene.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';

async function create(server: TestServer, ...names: string[]): Promise<void> {
  await using connection = await server.connect();
  for (const name of names) await connection.query(`CREATE DATABASE ${name}`);
}

/** What a power cut may leave of `path`: from `offset` on, zeros, and a few of the true bytes behind them. */
async function spoil(path: string, offset: number): Promise<Buffer> {
  const bytes = await readFile(path);
  bytes.fill(0, offset, bytes.length - 100);
  await writeFile(path, bytes);
  return bytes;
}

/** Five groups, archived, with wrong bytes from 300 bytes before the open segment's end on. */
async function archiveAndSpoil(
  server: TestServer,
  path: string,
): Promise<{ segment: ArchivedSegment; spoiled: Buffer }> {
  await create(server, 'a', 'b', 'c', 'd', 'e');
  await archiveUntilCurrent(server, path);
  const [segment] = await segmentsOf(path);
  if (segment === undefined) throw new Error('nothing is archived');
  return { segment, spoiled: await spoil(segment.path, segment.bytes - 300) };
}

describe('an open segment with wrong bytes', () => {
  it('is put right with the bytes of its source, and that is said', async () => {
    await using server = await startPrimary();
    const path = repositoryBeside(server);
    await archiveAndSpoil(server, path);
    const lines: string[] = [];
    await archiveUntilCurrent(server, path, { log: pino({}, { write: (line: string) => lines.push(line) }) });
    await archiveToTheLastByte(server, path);
    expect(await problemsOf(server, path, null)).toEqual([]);
    expect(lines.join('')).toMatch(/binlog\.000001' is damaged at offset \d+.*fetching damaged bytes again/);
  });

  it('still gives a restore all groups before them, before the archiver has run again', async () => {
    await using server = await startPrimary();
    const path = repositoryBeside(server);
    const { segment, spoiled } = await archiveAndSpoil(server, path);
    const repository = await openRepository(path);
    using catalog = openCatalog(':memory:');
    await catchUp(repository, catalog, { log: silentLog, openSegments: 'read' });
    const { digest } = catalog.segments(segment.lineage)[0] ?? {};
    expect(digest?.groups).toBeGreaterThanOrEqual(1);
    expect(digest?.indexedTo).toBeLessThanOrEqual(segment.bytes - 300);
    expect(await readFile(segment.path)).toEqual(spoiled);
  });

  it('is left as it is when its source has another history by now', async () => {
    await using server = await startPrimary();
    const path = repositoryBeside(server);
    const { segment, spoiled } = await archiveAndSpoil(server, path);
    await using connection = await server.connect();
    await connection.query('RESET MASTER');
    await create(server, 'f', 'g', 'h', 'i', 'j', 'k', 'l');
    await archiveUntilCurrent(server, path).catch(() => undefined); // whether it goes on elsewhere is not the matter here
    expect(await readFile(join(segment.path))).toEqual(spoiled);
  });

  it('stops the archiver when its source has fewer bytes: nothing is given up that cannot come again', async () => {
    await using server = await startPrimary();
    const path = repositoryBeside(server);
    await create(server, 'a', 'b', 'c');
    await archiveUntilCurrent(server, path);
    const [segment] = await segmentsOf(path);
    if (segment === undefined) throw new Error('nothing is archived');
    const more = Buffer.concat([await readFile(segment.path), Buffer.alloc(5000)]);
    await writeFile(segment.path, more);
    await expect(archiveUntilCurrent(server, path)).rejects.toMatchObject({
      code: 'ARCHIVE_DAMAGED',
      message: `'${segment.path}' is damaged at offset ${segment.bytes}: an event cannot have 0 bytes`,
    });
    expect(await readFile(segment.path)).toEqual(more);
  });
});
