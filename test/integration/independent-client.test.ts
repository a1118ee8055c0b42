import ZongJi from '@vlasky/zongji';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Group } from '../../src/binlog/group.ts';
import { readBinlog } from '../../src/binlog/read-binlog.ts';
import { openSegment } from '../../src/archive/read-segment.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { readBinlogEnd } from '../../src/server/binary-logs.ts';
import { archiveUntilCurrent, repositoryBeside, segmentsOf } from '../support/archiver.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';
import { startWorkload } from '../support/workload.ts';

/** The ends of all transactions, as a client that shares no code with ours sees them in the live stream. */
async function commitsSeenBy(server: TestServer, end: number): Promise<number[]> {
  await using root = await server.connect();
  await root.query("CREATE USER watcher@'127.0.0.1' IDENTIFIED BY 'secret'");
  await root.query("GRANT REPLICATION SLAVE, BINLOG MONITOR, SELECT ON *.* TO watcher@'127.0.0.1'");
  const client = new ZongJi({ host: '127.0.0.1', port: server.port, user: 'watcher', password: 'secret' });
  const commits: number[] = [];
  let reached = 0;
  const failure: { error: Error | null } = { error: null };
  client.on('error', (error: Error) => {
    failure.error = error;
  });
  client.on('binlog', (event) => {
    if (event.getTypeName() === 'Xid') commits.push(event.nextPosition);
    reached = Math.max(reached, event.nextPosition);
  });
  client.start({ filename: 'binlog.000001', position: 4, serverId: 4_210_002 });
  const done = (): boolean => {
    if (failure.error !== null) throw failure.error;
    return reached >= end;
  };
  await waitFor(done, { timeoutMs: 60_000, what: `the other client at ${end}` });
  client.stop();
  return commits.filter((position) => position <= end);
}

describe('the archive and a client that shares no code with it', () => {
  it('see the same transactions end at the same places', async () => {
    await using server = await startPrimary();
    const workload = await startWorkload(() => server.connect());
    await waitFor(() => workload.committed >= 500, { timeoutMs: 60_000, what: '500 transactions' });
    await workload.stop();
    await using connection = await server.connect();
    const { coordinates } = await readBinlogEnd(connection);

    const repository = repositoryBeside(server);
    await archiveUntilCurrent(server, repository);
    const [segment] = await segmentsOf(repository);
    if (segment === undefined) throw new Error(`nothing archived in ${join(repository, 'lineages')}`);
    const ends: number[] = [];
    await using source = await openSegment(segment);
    const visitor = {
      query: (): void => undefined,
      group: ({ end, ending }: Group): void => {
        if (ending === 'commit') ends.push(end);
      },
    };
    await readBinlog(source, { visitor, verifyChecksums: true });

    expect(ends.length).toBeGreaterThanOrEqual(500);
    expect(await commitsSeenBy(server, coordinates.position)).toEqual(ends);
  });
});
