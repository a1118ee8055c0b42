import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readBinlog } from '../../src/binlog/read-binlog.ts';
import { formatGtid } from '../../src/binlog/gtid-text.ts';
import type { Group } from '../../src/binlog/group.ts';
import { startArchiveServer, type ArchiveServer, type ArchiveServerOptions } from '../../src/server/archive-server.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import { waitFor } from '../../src/platform/wait.ts';
import type { ServedRange } from '../../src/server/served-range.ts';
import { appliedUpTo, endReplica, oneHeartbeat, refusedWith, replicateFrom } from '../support/archive-replica.ts';
import { silentLog } from '../support/archiver.ts';
import { checksums } from '../support/compare.ts';
import { servedFile } from '../support/served-files.ts';
import { startMysql56, type TestServer } from '../support/servers.ts';

let primary: TestServer;
let replica: TestServer;
let source: ServerConnection;
let target: ServerConnection;
let uuid: string;

beforeAll(async () => {
  [primary, replica] = await Promise.all([startMysql56(), startMysql56({ serverId: 900 })]);
  source = await primary.connect();
  target = await replica.connect();
  const [row] = await source.query<{ uuid: string }>('SELECT @@GLOBAL.server_uuid AS uuid');
  uuid = row?.uuid ?? '';
});

afterAll(async () => {
  await target.close();
  await source.close();
  await replica[Symbol.asyncDispose]();
  await primary[Symbol.asyncDispose]();
});

afterEach(async () => {
  await endReplica(target);
  for (const connection of [source, target]) {
    await connection.query('DROP DATABASE IF EXISTS shop');
    await connection.query('RESET MASTER');
  }
});

async function write(...statements: string[]): Promise<void> {
  for (const statement of statements) await source.query(statement);
}

const CREATE = ['CREATE DATABASE shop', 'CREATE TABLE shop.item (id INT PRIMARY KEY, name VARCHAR(20))'];
const insert = (id: number): string => `INSERT INTO shop.item VALUES (${id}, 'item ${id}')`;
const AUTO = 'MASTER_AUTO_POSITION = 1';

async function files(): Promise<ServedRange[]> {
  const logs = await source.query<{ Log_name: string }>('SHOW BINARY LOGS');
  return await Promise.all(logs.map(({ Log_name }) => servedFile(join(primary.datadir, Log_name))));
}

/** The range without its group of this number. */
async function without(range: ServedRange, number: number): Promise<ServedRange[]> {
  const groups: Group[] = [];
  await using opened = await range.open(0);
  const visitor = { query: () => undefined, group: (group: Group) => groups.push(group) };
  await readBinlog(opened, { visitor, verifyChecksums: true });
  const skipped = groups.find(({ gtid }) => gtid !== null && formatGtid(gtid) === `${uuid}:${number}`);
  if (skipped === undefined) throw new Error(`no group ${number}`);
  return [
    { ...range, to: skipped.start },
    { ...range, from: skipped.end },
  ];
}

async function serve(
  ranges: readonly ServedRange[],
  { gtidState = '', ...more }: { gtidState?: string } & Pick<ArchiveServerOptions, 'onClient'> = {},
): Promise<ArchiveServer> {
  return await startArchiveServer({
    identity: { flavor: 'mysql', serverVersion: '5.6.24-log', serverId: 101, gtidMode: 'ON', gtidState },
    ...{ ranges, log: silentLog, ...more },
  });
}

async function executed(): Promise<string> {
  const [row] = await target.query<{ state: string }>('SELECT @@GLOBAL.gtid_executed AS state');
  return row?.state.replaceAll('\n', '') ?? '';
}

describe('a MySQL 5.6 replica of an archive server', () => {
  it.each([
    ['by file and position', "MASTER_LOG_FILE = 'binlog.000001', MASTER_LOG_POS = 4, MASTER_AUTO_POSITION = 0"],
    ['by auto-position', AUTO],
  ])('applies everything but what is left out in the middle of a file: %s', async (_, how) => {
    await write(...CREATE, insert(1));
    const kept = await checksums(source);
    await write('DROP TABLE shop.item', 'CREATE TABLE shop.other (id INT)', 'FLUSH BINARY LOGS');
    await write('INSERT INTO shop.other VALUES (1)');
    const [first, second] = await files();
    if (first === undefined || second === undefined) throw new Error('there are two files');
    await using archive = await serve([...(await without(first, 4)), second]);

    await replicateFrom(target, archive, how);
    await appliedUpTo(target, { file: second.file, position: second.to });

    expect(await checksums(target)).toEqual({ ...kept, 'shop.other': (await checksums(source))['shop.other'] });
    expect(await executed()).toBe(`${uuid}:1-3:5-6`);
  });

  it('waits by file and position where a ROTATE led it, at the start of a file that is not there', async () => {
    await write(...CREATE, insert(1), 'FLUSH BINARY LOGS');
    const [first] = await files();
    if (first === undefined) throw new Error('there is a file');
    const behind = { file: 'binlog.000002', position: 4 };
    const sent: (string | null)[] = [];
    await using archive = await serve([first], { onClient: ({ asked }, what) => what === 'sent' && sent.push(asked) });
    await replicateFrom(
      target,
      archive,
      `MASTER_LOG_FILE = '${first.file}', MASTER_LOG_POS = 4, MASTER_AUTO_POSITION = 0`,
    );
    await appliedUpTo(target, behind);
    await oneHeartbeat(target);
    await target.query('STOP SLAVE');

    await target.query('START SLAVE');
    await waitFor(() => sent.length === 2, { timeoutMs: 10_000, what: 'the replica to come again' });
    await oneHeartbeat(target);
    expect(sent).toEqual(['binlog.000001:4', 'binlog.000002:4']);
    expect(await appliedUpTo(target, behind)).toMatchObject({ Slave_IO_Running: 'Yes', Slave_SQL_Running: 'Yes' });
  });

  it('gets by auto-position what it has not, also where its set has holes', async () => {
    await write(...CREATE, ...[1, 2, 3].map(insert), 'FLUSH BINARY LOGS', ...[4, 5].map(insert));
    // It has 1 and 3 from elsewhere.
    for (const statement of [...CREATE, insert(1), insert(3)]) await target.query(statement);
    await target.query('RESET MASTER');
    await target.query(`SET GLOBAL gtid_purged = '${uuid}:1-3:5'`);
    const ranges = await files();
    await using archive = await serve(ranges);

    await replicateFrom(target, archive, AUTO);
    await appliedUpTo(target, { file: 'binlog.000002', position: ranges.at(-1)?.to ?? 0 });

    expect(await checksums(target)).toEqual(await checksums(source));
    expect(await executed()).toBe(`${uuid}:1-7`);
  });

  it('shows the words of a server when it lacks what lies before the log', async () => {
    await write(...CREATE, 'FLUSH BINARY LOGS', insert(1));
    const ranges = await files();
    await using archive = await serve(ranges.slice(1), { gtidState: `${uuid}:1-2` });

    await replicateFrom(target, archive, AUTO);

    expect(await refusedWith(target)).toContain(
      'the master has purged binary logs containing GTIDs that the slave requires',
    );
  });
});
