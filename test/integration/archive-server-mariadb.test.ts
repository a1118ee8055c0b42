import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeTempDirectory } from '../../src/platform/temp-dir.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { startArchiveServer, type ArchiveServer, type ArchiveServerOptions } from '../../src/server/archive-server.ts';
import { connect, type ServerConnection } from '../../src/server/connection.ts';
import type { ServedIdentity, ServedRange } from '../../src/server/served-range.ts';
import {
  appliedUpTo,
  endReplica,
  oneHeartbeat,
  refusedWith,
  replicateFrom,
  slaveStatus,
} from '../support/archive-replica.ts';
import { silentLog } from '../support/archiver.ts';
import { checksums } from '../support/compare.ts';
import { selfSigned } from '../support/self-signed.ts';
import { findGroup, servedFile, servedLog } from '../support/served-files.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';

const identity: ServedIdentity = {
  flavor: 'mariadb',
  serverVersion: '10.11.19-MariaDB-log',
  serverId: 101,
  gtidState: '',
};

let primary: TestServer;
let replica: TestServer;
let source: ServerConnection;
let target: ServerConnection;

beforeAll(async () => {
  primary = await startPrimary();
  replica = await startPrimary({ serverId: 900, args: ['--skip-log-bin'] });
  source = await primary.connect();
  target = await replica.connect();
});

afterAll(async () => {
  await target.close();
  await source.close();
  await replica[Symbol.asyncDispose]();
  await primary[Symbol.asyncDispose]();
});

afterEach(async () => {
  await endReplica(target);
  for (const connection of [source, target]) await connection.query('DROP DATABASE IF EXISTS shop');
  await source.query('SET SESSION gtid_domain_id = 0');
  await source.query('RESET MASTER');
  await target.query("SET GLOBAL gtid_slave_pos = ''");
});

async function write(...statements: string[]): Promise<void> {
  for (const statement of statements) await source.query(statement);
}

const inDomain = (domain: number, statement: string): string[] => [`SET SESSION gtid_domain_id = ${domain}`, statement];
const insert = (id: number): string => `INSERT INTO shop.item VALUES (${id}, 'item ${id}')`;
const CREATE = ['CREATE DATABASE shop', 'CREATE TABLE shop.item (id INT PRIMARY KEY, name VARCHAR(20))'];

async function serve(ranges: readonly ServedRange[], more: Partial<ArchiveServerOptions> = {}): Promise<ArchiveServer> {
  return await startArchiveServer({ identity, ranges, log: silentLog, ...more });
}

/** Everything but the group with the statement, which stands in the first file. */
async function withoutGroup(text: string): Promise<{ ranges: ServedRange[]; start: number; end: number }> {
  const [first, ...later] = await servedLog(source, primary.datadir);
  if (first === undefined) throw new Error('the primary has no log');
  const { start, end } = await findGroup(source, { file: first.file, text });
  return { ranges: [{ ...first, to: start }, { ...first, from: end }, ...later], start, end };
}

const FROM_START = "MASTER_LOG_FILE = 'binlog.000001', MASTER_LOG_POS = 4, MASTER_USE_GTID = no";

describe('a MariaDB replica of an archive server', () => {
  it.each([
    ['by file and position', FROM_START],
    ['by GTID', 'MASTER_USE_GTID = slave_pos'],
  ])('applies everything but what is left out in the middle of a file: %s', async (_, how) => {
    await write(...CREATE, insert(1), insert(2));
    const kept = await checksums(source);
    await write('DROP TABLE shop.item', 'CREATE TABLE shop.other (id INT)', 'FLUSH BINARY LOGS');
    await write('INSERT INTO shop.other VALUES (1)');
    const { ranges } = await withoutGroup('DROP TABLE');
    await using archive = await serve(ranges);

    await replicateFrom(target, archive, how);
    const last = ranges.at(-1) ?? { file: '', to: 0 };
    const status = await appliedUpTo(target, { file: last.file, position: last.to });

    expect(await checksums(target)).toEqual({ ...kept, 'shop.other': (await checksums(source))['shop.other'] });
    expect(status).toMatchObject({ Slave_IO_Running: 'Yes', Slave_SQL_Running: 'Yes' });
    expect(archive.reached).toEqual({ file: last.file, position: last.to });
  });

  it('goes on behind what is left out when it lost its connection just before it', async () => {
    await write(...CREATE, insert(1));
    await write('DROP TABLE shop.item');
    const { ranges, start } = await withoutGroup('DROP TABLE');
    const [head] = ranges;
    if (head === undefined) throw new Error('there are ranges');
    {
      await using archive = await serve([head]);
      await replicateFrom(target, archive, FROM_START);
      await appliedUpTo(target, { file: head.file, position: start });
      await target.query('STOP SLAVE');
    }
    await write('CREATE TABLE shop.other (id INT)');
    const { ranges: all } = await withoutGroup('DROP TABLE');
    await using archive = await serve(all);

    await replicateFrom(
      target,
      archive,
      `MASTER_LOG_FILE = '${head.file}', MASTER_LOG_POS = ${start}, MASTER_USE_GTID = no`,
    );
    await appliedUpTo(target, { file: head.file, position: all.at(-1)?.to ?? 0 });

    expect(Object.keys(await checksums(target))).toEqual(['shop.item', 'shop.other']);
  });

  it('waits where a ROTATE led it, at the start of a file that is not there, and goes on once it is', async () => {
    await write(...CREATE, insert(1), 'FLUSH BINARY LOGS');
    const [first] = await servedLog(source, primary.datadir);
    if (first === undefined) throw new Error('the primary has no log');
    const behind = { file: 'binlog.000002', position: 4 };
    const sent: (string | null)[] = [];
    await using archive = await serve([first], { onClient: ({ asked }, what) => what === 'sent' && sent.push(asked) });
    await replicateFrom(target, archive, FROM_START);
    await appliedUpTo(target, behind);
    await oneHeartbeat(target);
    await target.query('STOP SLAVE');

    await target.query('START SLAVE');
    await waitFor(() => sent.length === 2, { timeoutMs: 10_000, what: 'the replica to come again' });
    await oneHeartbeat(target);
    expect(sent).toEqual(['binlog.000001:4', 'binlog.000002:4']);
    expect(await appliedUpTo(target, behind)).toMatchObject({ Slave_IO_Running: 'Yes', Slave_SQL_Running: 'Yes' });

    await endReplica(target);
    await write(insert(2));
    const ranges = await servedLog(source, primary.datadir);
    await using longer = await serve(ranges);
    await replicateFrom(target, longer, "MASTER_LOG_FILE = 'binlog.000002', MASTER_LOG_POS = 4, MASTER_USE_GTID = no");
    await appliedUpTo(target, { file: 'binlog.000002', position: ranges.at(-1)?.to ?? 0 });
    expect(await checksums(target)).toEqual(await checksums(source));
  });

  it('starts at any GTID state inside the log, each domain at its own place', async () => {
    await write(...CREATE, insert(1), ...inDomain(1, insert(10)), ...inDomain(0, insert(2)), 'FLUSH BINARY LOGS');
    await write(...inDomain(1, insert(11)), ...inDomain(0, insert(3)), ...inDomain(1, insert(12)));
    // The client has 1 to 3 of domain 0, and only 10 of domain 1: 11 and 12 stand before and behind 3.
    for (const statement of [...CREATE, ...[1, 10, 2, 3].map(insert)]) await target.query(statement);
    await target.query("SET GLOBAL gtid_slave_pos = '0-101-5,1-101-1'");
    const ranges = await servedLog(source, primary.datadir);
    await using archive = await serve(ranges);

    await replicateFrom(target, archive, 'MASTER_USE_GTID = slave_pos');
    await appliedUpTo(target, { file: 'binlog.000002', position: ranges.at(-1)?.to ?? 0 });

    expect(await checksums(target)).toEqual(await checksums(source));
    const [row] = await target.query<{ state: string }>('SELECT @@GLOBAL.gtid_slave_pos AS state');
    expect(row?.state).toBe('0-101-5,1-101-3');
  });

  it.each([
    ['0-101-77', "Error: connecting slave requested to start from GTID 0-101-77, which is not in the master's binlog"],
    ['0-900-2', 'it probably means that the slave has diverged'],
  ])('shows the words of a server when it stands at %s, where the log does not lead', async (state, words) => {
    await write(...CREATE, insert(1));
    await target.query(`SET GLOBAL gtid_slave_pos = '${state}'`);
    await using archive = await serve(await servedLog(source, primary.datadir));

    await replicateFrom(target, archive, 'MASTER_USE_GTID = slave_pos');

    expect(await refusedWith(target)).toContain(words);
  });

  it('may not bring an end of its own', async () => {
    await write(...CREATE);
    await using archive = await serve(await servedLog(source, primary.datadir));
    await replicateFrom(target, archive, 'MASTER_USE_GTID = slave_pos');
    await target.query('STOP SLAVE');

    await target.query("START SLAVE UNTIL MASTER_GTID_POS = '0-101-1'");

    expect(await refusedWith(target)).toContain('the archive server knows no UNTIL');
  });
});

describe('an archive server with a certificate', () => {
  it('lets a replica in over TLS only, and whoever shows a certificate that it trusts', async () => {
    await write(...CREATE, insert(1));
    const ranges = await servedLog(source, primary.datadir);
    const { cert, key } = await selfSigned();
    await using archive = await serve(ranges, { tls: { cert, key } });
    const login = { ...archive, name: 'archive server' };

    await expect(connect({ ...login, tls: 'off' })).rejects.toThrow(/over TLS only/);
    await expect(connect({ ...login, tls: 'required', password: 'wrong' })).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
    });
    await replicateFrom(target, archive, `MASTER_SSL = 1, ${FROM_START}`);
    await appliedUpTo(target, { file: 'binlog.000001', position: ranges[0]?.to ?? 0 });
    expect(await checksums(target)).toEqual(await checksums(source));

    await using strict = await serve(ranges, { tls: { cert, key, ca: cert } });
    await using folder = await makeTempDirectory('lastgood-test-');
    const paths = {
      ca: join(folder.path, 'ca.pem'),
      cert: join(folder.path, 'cert.pem'),
      key: join(folder.path, 'key.pem'),
    };
    await writeFile(paths.ca, cert);
    await writeFile(paths.cert, cert);
    await writeFile(paths.key, key);
    await using known = await connect({ ...strict, name: 'archive server', tls: 'required', ...paths });
    expect(known.flavor).toBe('mariadb');
    await expect(connect({ ...strict, name: 'archive server', tls: 'required' })).rejects.toMatchObject({
      code: 'SERVER_UNREACHABLE',
    });
  });
});

describe('parallel appliers behind an archive server', () => {
  afterEach(async () => {
    await target.query('STOP SLAVE');
    await target.query("SET GLOBAL slave_parallel_threads = 0, GLOBAL slave_parallel_mode = 'optimistic'");
    await source.query('SET GLOBAL binlog_commit_wait_count = 0');
  });

  /** While a row is locked, the first worker waits for it: the others have to be seen beside it. */
  async function workersBeside(
    lockedId: number,
    archive: ArchiveServer,
    end: { file: string; to: number },
  ): Promise<number> {
    await using other = await replica.connect();
    await other.query('BEGIN');
    await other.query(`SELECT * FROM shop.item WHERE id = ${lockedId} FOR UPDATE`);
    await replicateFrom(target, archive, 'MASTER_USE_GTID = slave_pos');
    const workers = await waitFor(
      async () => {
        const states = await target.query(
          "SELECT STATE FROM information_schema.PROCESSLIST WHERE STATE LIKE 'Waiting for prior transaction to commit%'",
        );
        return states.length > 0 && states.length;
      },
      { timeoutMs: 20_000, what: 'a second worker' },
    );
    await other.query('ROLLBACK');
    await appliedUpTo(target, { file: end.file, position: end.to });
    return workers;
  }

  async function updateAtOnce(ids: readonly number[]): Promise<void> {
    const connections = await Promise.all(ids.map(() => primary.connect()));
    const update = async (connection: ServerConnection, index: number): Promise<void> => {
      await connection.query(`UPDATE shop.item SET name = 'changed' WHERE id = ${ids[index] ?? 0}`);
      await connection.close();
    };
    await Promise.all(connections.map(update));
  }

  it.each(['conservative', 'optimistic'])('apply at once what the primary committed at once: %s', async (mode) => {
    await write(...CREATE, insert(1), insert(2), insert(3), insert(4));
    for (const statement of [...CREATE, ...[1, 2, 3, 4].map(insert)]) await target.query(statement);
    await target.query("SET GLOBAL gtid_slave_pos = '0-101-6'");
    await target.query(`SET GLOBAL slave_parallel_threads = 4, GLOBAL slave_parallel_mode = '${mode}'`);
    // With group commits of four the order inside one is any; the row that is locked must be in its first transaction.
    if (mode === 'conservative')
      await write('SET GLOBAL binlog_commit_wait_count = 4, GLOBAL binlog_commit_wait_usec = 20000000');
    if (mode === 'conservative') await updateAtOnce([1, 2, 3, 4]);
    else for (const id of [1, 2, 3, 4]) await write(`UPDATE shop.item SET name = 'changed' WHERE id = ${id}`);
    const [range] = await servedLog(source, primary.datadir);
    if (range === undefined) throw new Error('the primary has no log');
    await using archive = await serve([range]);

    const firstChanged = mode === 'conservative' ? await firstUpdated() : 1;
    expect(await workersBeside(firstChanged, archive, range)).toBeGreaterThan(0);

    expect(await checksums(target)).toEqual(await checksums(source));
  });

  /** Of the group commit: which row its first transaction changed. */
  async function firstUpdated(): Promise<number> {
    const events = await source.query<{ Info: string }>("SHOW BINLOG EVENTS IN 'binlog.000001'");
    const found = events
      .map(({ Info }) => /UPDATE shop.item .* WHERE id = (\d)/.exec(Info)?.[1])
      .find((id) => id !== undefined);
    return Number(found);
  }

  it('apply one domain while another one has to wait', async () => {
    await write(...CREATE, insert(1));
    await write(...inDomain(0, "UPDATE shop.item SET name = 'changed' WHERE id = 1"), ...inDomain(1, insert(2)));
    for (const statement of [...CREATE, insert(1)]) await target.query(statement);
    await target.query("SET GLOBAL gtid_slave_pos = '0-101-3'");
    await target.query("SET GLOBAL slave_parallel_threads = 4, GLOBAL slave_parallel_mode = 'conservative'");
    await using archive = await serve(await servedLog(source, primary.datadir));
    await using other = await replica.connect();
    await other.query('BEGIN');
    await other.query('SELECT * FROM shop.item WHERE id = 1 FOR UPDATE');

    await replicateFrom(target, archive, 'MASTER_USE_GTID = slave_pos');
    const read = async (): Promise<boolean> => (await target.query('SELECT 1 FROM shop.item WHERE id = 2')).length > 0;
    await waitFor(read, { timeoutMs: 20_000, what: 'the other domain' });
    await other.query('ROLLBACK');
    const { to } = await servedFile(join(primary.datadir, 'binlog.000001'));
    await appliedUpTo(target, { file: 'binlog.000001', position: to });

    expect(await checksums(target)).toEqual(await checksums(source));
    expect(await slaveStatus(target)).toMatchObject({ Using_Gtid: 'Slave_Pos', Slave_SQL_Running: 'Yes' });
  });
});
