import { readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Lineage } from '../../src/archive/lineage.ts';
import { waitFor } from '../../src/platform/wait.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import { archiveUntilCurrent, primarySettings, startArchiver, waitUntilSettled } from '../support/archiver.ts';
import {
  contentOf,
  differences,
  newRepository,
  openLineages,
  PLAIN,
  problems,
  run,
  startTurning,
  waitForGtid,
} from '../support/lineages.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';

describe('a source that goes on with another history', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startPrimary();
  });

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  it('gets a lineage of its own when its log is reset under the archiver (peers 29: pyxbackup #35)', async () => {
    await run(server, 'RESET MASTER');
    const path = newRepository(server);
    await using archiver = startArchiver(server, path, PLAIN);
    await run(server, 'CREATE DATABASE a1');
    await waitForGtid(path, '0-101-1');
    // The new log has the same name, the same sizes and GTIDs, and was begun in the same second.
    await run(server, 'RESET MASTER', 'CREATE DATABASE b1', 'FLUSH BINARY LOGS', 'CREATE DATABASE c1');
    await waitForGtid(path, '0-101-2');
    const { warnings, lineage } = await archiver.stop();
    const archived = await openLineages(path);
    const [old, next] = archived.lineages;
    expect(archived.lineages).toHaveLength(2);
    expect(next).toMatchObject({ id: lineage, parent: old?.id, handOver: null, firstFile: 'binlog.000001' });
    expect(warnings).toEqual([
      expect.stringMatching(
        new RegExp(
          `^the source's binary log is not the history of lineage '${old?.id ?? ''}' any more: .*; lineage '${lineage}' begins, take a new backup$`,
        ),
      ),
    ]);
    expect(await archived.repository.ledger.entries()).toMatchObject([
      { kind: 'break', lineage: old?.id, child: next?.id, to: 'binlog.000001:4' },
    ]);
    expect(Object.keys(await contentOf(archived, old as Lineage))).toEqual(['binlog.000001']);
    expect(await differences(path, server)).toEqual([]);
  });

  it('gets one also while the archiver only waits, when the new log ends where the old one did', async () => {
    await run(server, 'RESET MASTER');
    const path = newRepository(server);
    await using archiver = startArchiver(server, path, { ...PLAIN, watch: { quietMs: 200, againMs: 200 } });
    await run(server, 'CREATE DATABASE a8');
    await waitForGtid(path, '0-101-1');
    const old = await openLineages(path);
    const content = await contentOf(old, old.lineages[0] as Lineage);
    // Nothing wakes the dump of the deleted file: neither bytes behind it, nor a GTID that is not archived.
    await run(server, 'RESET MASTER', 'CREATE DATABASE b8');
    const isThere = async (): Promise<boolean> => {
      const now = await openLineages(path);
      const next = now.lineages[1];
      return next !== undefined && lengths(await contentOf(now, next)) === lengths(content);
    };
    await waitFor(isThere, { timeoutMs: 10_000, what: 'another lineage as long as the old one' });
    const { warnings, gtid } = await archiver.stop();
    expect(warnings).toEqual([expect.stringContaining('take a new backup')]);
    expect(gtid).toBe('0-101-1');
    const archived = await openLineages(path);
    expect(archived.lineages).toHaveLength(2);
    expect(await contentOf(archived, archived.lineages[0] as Lineage)).toEqual(content);
    expect(await differences(path, server)).toEqual([]);
  });

  it('is left in peace while it has the archived bytes, however often it is asked', async () => {
    await run(server, 'RESET MASTER');
    const path = newRepository(server);
    await using archiver = startArchiver(server, path, { ...PLAIN, watch: { quietMs: 50, againMs: 50 } });
    await run(server, 'CREATE DATABASE a9', 'FLUSH BINARY LOGS');
    await waitForGtid(path, '0-101-1');
    await using asking = await server.connect();
    const before = await connectionsTo(asking);
    const asked = async (): Promise<boolean> => (await connectionsTo(asking)) >= before + 5;
    await waitFor(asked, { timeoutMs: 10_000, what: 'five looks' });
    await run(server, 'CREATE DATABASE b9');
    await waitForGtid(path, '0-101-2');
    expect(await archiver.stop()).toMatchObject({ warnings: [], reconnects: 0 });
    expect((await openLineages(path)).lineages).toHaveLength(1);
  });

  it('is noticed when the names have grown past the archived place meanwhile (peers 13: dbtrail #780, peers 30: WAL-G #2528)', async () => {
    await run(server, 'RESET MASTER', 'CREATE DATABASE a2');
    const path = newRepository(server);
    await archiveUntilCurrent(server, path, PLAIN);
    const before = await openLineages(path);
    const old = before.lineages[0] as Lineage;
    const content = await contentOf(before, old);
    await run(server, 'RESET MASTER', ...['b', 'c', 'd', 'e'].map((name) => `CREATE DATABASE ${name}2`));
    const { warnings } = await archiveUntilCurrent(server, path, PLAIN);
    expect(warnings).toHaveLength(1);
    const after = await openLineages(path);
    expect(after.lineages.map(({ parent, handOver }) => ({ parent, handOver }))).toEqual([
      { parent: null, handOver: null },
      { parent: old.id, handOver: null },
    ]);
    expect(await contentOf(after, old)).toEqual(content);
    expect(await differences(path, server)).toEqual([]);
    const again = await archiveUntilCurrent(server, path, PLAIN);
    expect(again).toMatchObject({ bytes: 0, warnings: [], gtid: '0-101-4' });
    expect(await problems(path)).toEqual([]);
  });

  it('leaves a gap and goes on behind it when files were purged before they were archived (peers 34: vitess #9721)', async () => {
    await run(server, 'RESET MASTER', 'CREATE DATABASE a3');
    const path = newRepository(server);
    await archiveUntilCurrent(server, path, PLAIN);
    for (const name of ['b', 'c', 'd']) await run(server, `CREATE DATABASE ${name}3`, 'FLUSH BINARY LOGS');
    await run(server, "PURGE BINARY LOGS TO 'binlog.000003'");
    await waitUntilSettled(server);
    const { warnings, gtid, lineage } = await archiveUntilCurrent(server, path, PLAIN);
    const { repository, lineages } = await openLineages(path);
    const [old, next] = lineages;
    expect(gtid).toBe('0-101-4');
    expect(next).toMatchObject({ id: lineage, parent: old?.id, handOver: null, firstFile: 'binlog.000003' });
    const [gap] = await repository.ledger.entries();
    expect(gap).toMatchObject({ kind: 'gap', lineage: old?.id, child: next?.id, to: 'binlog.000003:4' });
    expect(warnings).toEqual([
      `the source has purged ${gap?.from ?? ''} to binlog.000003:4 before it was archived: lineage '${lineage}' goes on behind the gap, take a new backup`,
    ]);
    expect(await archiveUntilCurrent(server, path, PLAIN)).toMatchObject({ bytes: 0, warnings: [] });
    expect(await repository.ledger.entries()).toHaveLength(1);
  });

  it('reports what it lost when its log became shorter in a power loss (peers 33: pingcap/dm #1449)', async () => {
    await run(server, 'RESET MASTER', 'CREATE DATABASE a4', 'FLUSH BINARY LOGS', 'CREATE DATABASE b4');
    const path = newRepository(server);
    await archiveUntilCurrent(server, path, PLAIN);
    const kept = (await openLineages(path)).lineages[0] as Lineage;
    const { position } = await archiveUntilCurrent(server, path, PLAIN);
    await run(server, 'CREATE DATABASE c4', 'FLUSH BINARY LOGS', 'CREATE DATABASE d4');
    await archiveUntilCurrent(server, path, PLAIN);
    const content = await contentOf(await openLineages(path), kept);
    await server.kill();
    // The end of one file never reached the disk but for the head of an event, and of the next one not even its name.
    await truncate(join(server.datadir, 'binlog.000002'), position + 30);
    await rm(join(server.datadir, 'binlog.000003'));
    const index = join(server.datadir, 'binlog.index');
    await writeFile(index, (await readFile(index, 'utf8')).replace('./binlog.000003\n', ''));
    await server.restart();
    await run(server, 'CREATE DATABASE e4');
    const { warnings, lineage, gtid } = await archiveUntilCurrent(server, path, PLAIN);
    const after = await openLineages(path);
    const place = { file: 'binlog.000002', position };
    expect(after.lineages.at(-1)).toMatchObject({
      id: lineage,
      parent: kept.id,
      firstFile: 'binlog.000002',
      handOver: { gtidState: '0-101-2', parent: place, child: place, stranded: 2 },
    });
    expect(gtid).toBe('0-101-3');
    expect(warnings).toEqual([
      `2 transactions are only in lineage '${kept.id}', GTIDs 0-101-3 to 0-101-4: the source lost them: its binary log became shorter; lineage '${lineage}' goes on without`,
    ]);
    expect(await after.repository.ledger.entries()).toMatchObject([
      { kind: 'stranded', lineage: kept.id, groups: 2, firstGtid: '0-101-3', lastGtid: '0-101-4' },
    ]);
    expect(await contentOf(after, kept)).toEqual(content);
    expect(await differences(path, server)).toEqual([expect.stringMatching(`differ at byte ${position}$`)]);
    expect(await problems(path)).toEqual([]);
  });

  it('is refused when it is another server, unless it is asked for; a rebuilt one is not refused', async () => {
    await run(server, 'RESET MASTER', 'CREATE DATABASE a5');
    const path = newRepository(server);
    await archiveUntilCurrent(server, path, PLAIN);
    const old = (await openLineages(path)).lineages[0] as Lineage;
    await using other = await startPrimary({ serverId: 202 });
    await run(other, 'CREATE DATABASE x');
    const options = { ...PLAIN, primary: { ...primarySettings(other), name: 'shop' } };
    await expect(archiveUntilCurrent(other, path, options)).rejects.toMatchObject({
      code: 'LINEAGE_MISMATCH',
      exitCode: 22,
      message: expect.stringContaining(
        `is not the server of lineage '${old.id}' and its binary log does not continue it by GTID: its server_id is 202 instead of 101`,
      ) as string,
      hint: expect.stringContaining('`lastgood archive --new-lineage`') as string,
    });
    expect((await openLineages(path)).lineages).toHaveLength(1);
    const taken = await archiveUntilCurrent(other, path, { ...options, newLineage: true });
    expect(taken).toMatchObject({ gtid: '0-202-1', warnings: [expect.stringContaining('its server_id is 202')] });
    // The rebuilt server has the old one's id, and its file names.
    await using rebuilt = await startPrimary({ serverId: 202 });
    await run(rebuilt, 'CREATE DATABASE y', 'CREATE DATABASE z');
    const gone = await archiveUntilCurrent(rebuilt, path, { ...PLAIN, primary: primarySettings(rebuilt) });
    expect(gone).toMatchObject({ gtid: '0-202-2', warnings: [expect.stringContaining('take a new backup')] });
    const { repository, lineages } = await openLineages(path);
    expect(lineages.map(({ parent }) => parent)).toEqual([null, old.id, taken.lineage]);
    expect((await repository.ledger.entries()).map(({ kind }) => kind)).toEqual(['break', 'break']);
  });

  it('is not taken for another one when another server answers in between', async () => {
    await run(server, 'RESET MASTER', 'CREATE DATABASE a6');
    const path = newRepository(server);
    await archiveUntilCurrent(server, path, PLAIN);
    await using other = await startPrimary({ serverId: 202 });
    const socket = join(server.directory, 'turning.sock');
    using _turning = await startTurning(socket, server, other);
    const options = { ...PLAIN, primary: { ...primarySettings(server), socket } };
    await expect(archiveUntilCurrent(server, path, options)).rejects.toMatchObject({
      code: 'SERVER_UNREACHABLE',
      message: expect.stringContaining('is another server now: server_id 202 instead of 101') as string,
    });
    const { repository, lineages } = await openLineages(path);
    expect(lineages).toHaveLength(1);
    expect(await repository.ledger.entries()).toEqual([]);
  });

  it('is not taken for another one when it is the archive that has changed', async () => {
    await run(server, 'RESET MASTER', 'CREATE DATABASE a7', 'FLUSH BINARY LOGS');
    const path = newRepository(server);
    await archiveUntilCurrent(server, path, PLAIN);
    const { repository, lineages } = await openLineages(path);
    const [sealed, open2] = await repository.segments(lineages[0]?.id ?? '');
    await rm(open2?.path ?? '');
    const bytes = await readFile(sealed?.path ?? '');
    const at = bytes.indexOf('CREATE DATABASE a7');
    bytes.write('DATABASE', at + 'CREATE '.length + 1);
    await writeFile(sealed?.path ?? '', bytes);
    await expect(archiveUntilCurrent(server, path, PLAIN)).rejects.toMatchObject({
      code: 'ARCHIVE_DAMAGED',
      exitCode: 21,
      message: `segment '${sealed?.path ?? ''}' is not what was sealed: its hash is another`,
    });
    expect((await openLineages(path)).lineages).toHaveLength(1);
    expect(await repository.ledger.entries()).toEqual([]);
  });
});

function lengths(content: Record<string, string>): string {
  return Object.entries(content)
    .map(([file, bytes]) => `${file}: ${bytes.length}`)
    .join();
}

/** Connections that were ever made. */
async function connectionsTo(connection: ServerConnection): Promise<number> {
  const [row] = await connection.query<{ Value: string }>("SHOW GLOBAL STATUS LIKE 'Connections'");
  return Number(row?.Value);
}
