import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ArchiveEnd } from '../../src/archive/archive-end.ts';
import { FIRST_EVENT_OFFSET } from '../../src/binlog/coordinates.ts';
import { findProgram, runTool } from '../../src/platform/child-process.ts';
import { makeTempDirectory } from '../../src/platform/temp-dir.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { startArchiveServer } from '../../src/server/archive-server.ts';
import { connect } from '../../src/server/connection.ts';
import { startDump, type DumpStream } from '../../src/server/dump-client.ts';
import type { ServedRange } from '../../src/server/served-range.ts';
import { archiveFolder, type ArchiveFolder } from '../support/archive-folder.ts';
import { silentLog } from '../support/archiver.ts';
import { replicateFrom, slaveStatus } from '../support/archive-replica.ts';
import { servedFile } from '../support/served-files.ts';
import { MARIADB_SOURCE } from '../support/served-identity.ts';
import { startPrimary } from '../support/servers.ts';
import { writeSparseLog } from '../support/sparse-log.ts';

const FILE = 'binlog.000001';
const FOUR_GIB = 2 ** 32;

/** One connection of an archiver: what the range holds, from where the archive says that it has to be asked for. */
async function archiveRange(folder: ArchiveFolder, end: ArchiveEnd, range: ServedRange): Promise<void> {
  const identity = MARIADB_SOURCE;
  await using server = await startArchiveServer({ identity, ranges: [range], log: silentLog });
  const { host, port, user, password } = server;
  await using connection = await connect({ name: 'source', host, port, user, password, tls: 'off' });
  let stream: DumpStream | null = null;
  const onPressure = (high: boolean): void => {
    if (high) stream?.pause();
    else stream?.resume();
  };
  const { writer } = folder.writer(end, { onPressure });
  if (end.tail !== null) writer.expect(end.tail);
  const request = { from: { file: FILE, position: range.from }, serverId: 0, heartbeatMs: 10_000, nonBlocking: true };
  stream = await startDump(connection, request, {
    rotate: writer.rotate.bind(writer),
    append: writer.append.bind(writer),
    formatAgain: () => undefined,
  });
  await Promise.race([stream.finished, writer.failed]);
  await writer.finish();
}

describe('a file of more than 4 GiB', () => {
  it('is gone on with behind the last place that a dump can be asked for', { timeout: 600_000 }, async () => {
    await using folder = await archiveFolder();
    await using source = await makeTempDirectory('lastgood-source-');
    const log = await writeSparseLog(join(source.path, FILE));
    const [first = 0] = log.later;
    const start = { from: FIRST_EVENT_OFFSET, to: first };
    await archiveRange(folder, await folder.end(), await servedFile(log.path, start));

    const end = await folder.end();
    expect(first).toBeGreaterThan(FOUR_GIB);
    expect(end.open?.size).toBe(first);
    // The last group begins behind 4 GiB: the large transaction before it comes again, and is compared.
    expect(end.tail?.from).toBe(log.large.start);
    const rest = { from: log.large.start };
    await archiveRange(folder, end, await servedFile(log.path, rest));
    await runTool({ program: findProgram(['cmp']), args: [log.path, folder.path(FILE)] });
  });

  // The events are made up: a replica can receive them, not apply them.
  it(
    'goes to a replica that stands behind 4 GiB, with signs of life that say where',
    { timeout: 300_000 },
    async () => {
      await using source = await makeTempDirectory('lastgood-source-');
      const log = await writeSparseLog(join(source.path, FILE));
      const range = await servedFile(log.path, { from: log.large.start });
      await using replica = await startPrimary({ serverId: 900, args: ['--skip-log-bin'] });
      await using target = await replica.connect();
      await target.query("SET GLOBAL gtid_slave_pos = '0-101-4'");
      const identity = { ...MARIADB_SOURCE, gtidState: '0-101-1' };
      await using server = await startArchiveServer({ identity, ranges: [range], log: silentLog });
      const end = log.later.at(-1);

      await replicateFrom(target, server, 'MASTER_USE_GTID = slave_pos');
      const received = async (): Promise<boolean> => (await slaveStatus(target))['Gtid_IO_Pos'] === '0-101-7';
      await waitFor(received, { timeoutMs: 200_000, what: 'the groups behind 4 GiB' });
      // A sign of life that has room for the place goes through the relay log.
      const relayed = async (): Promise<number> => Number((await slaveStatus(target))['Relay_Log_Space']);
      const before = await relayed();
      await waitFor(async () => (await relayed()) > before + 500, { timeoutMs: 60_000, what: 'signs of life' });

      const status = await slaveStatus(target);
      expect(status).toMatchObject({ Slave_IO_Running: 'Yes', Last_IO_Error: '' });
      expect(server.reached).toEqual({ file: FILE, position: end });
    },
  );
});
