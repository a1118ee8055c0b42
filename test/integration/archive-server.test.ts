import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findProgram, runTool } from '../../src/platform/child-process.ts';
import { makeTempDirectory } from '../../src/platform/temp-dir.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { startArchiveServer, type ArchiveServer } from '../../src/server/archive-server.ts';
import { connect } from '../../src/server/connection.ts';
import { writeOptionFile } from '../../src/server/option-file.ts';
import type { ServerOptions } from '../../src/server/server-options.ts';
import type { ServedRange } from '../../src/server/served-range.ts';
import { silentLog } from '../support/archiver.ts';
import { checksums, cmpMasked } from '../support/compare.ts';
import { servedFile, servedLog } from '../support/served-files.ts';
import { MARIADB_SOURCE } from '../support/served-identity.ts';
import { startMysql56, startPrimary, type TestServer } from '../support/servers.ts';

const identity = { ...MARIADB_SOURCE, gtidState: '0-101-1' };

const loginOf = ({ host, port, user, password }: ArchiveServer): ServerOptions => {
  return { name: 'archive server', host, port, user, password, tls: 'off' };
};

describe('an archive server with a MariaDB log', () => {
  let primary: TestServer;
  let ranges: ServedRange[];
  let archive: ArchiveServer;

  beforeAll(async () => {
    primary = await startPrimary();
    await using connection = await primary.connect();
    await connection.query('CREATE DATABASE shop');
    await connection.query('CREATE TABLE shop.item (id INT PRIMARY KEY, content LONGBLOB)');
    await connection.query("INSERT INTO shop.item SELECT seq, REPEAT('x', 20) FROM shop.seq_1_to_1000");
    await connection.query("INSERT INTO shop.item VALUES (0, REPEAT('large', 1000000))");
    await connection.query('FLUSH BINARY LOGS');
    await connection.query('DROP DATABASE shop');
    ranges = await servedLog(connection, primary.datadir);
    archive = await startArchiveServer({ identity, ranges, log: silentLog });
  });

  afterAll(async () => {
    await archive[Symbol.asyncDispose]();
    await primary[Symbol.asyncDispose]();
  });

  it('gives any replication client the same bytes as the source', async () => {
    await using folder = await makeTempDirectory('lastgood-test-');
    await using optionFile = await writeOptionFile(loginOf(archive), folder.path);
    await runTool({
      program: findProgram(['mariadb-binlog']),
      args: [
        `--defaults-file=${optionFile.path}`,
        '--read-from-remote-server',
        '--raw',
        '--to-last-log',
        `--result-file=${folder.path}/`,
        'binlog.000001',
      ],
    });

    for (const { file } of ranges) {
      expect(await cmpMasked(join(folder.path, file), join(primary.datadir, file))).toBeNull();
    }
  });

  it('refuses a wrong password and another user', async () => {
    const login = loginOf(archive);

    await expect(connect({ ...login, password: `${login.password}x` })).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
    });
    await expect(connect({ ...login, password: '' })).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    await expect(connect({ ...login, user: 'root' })).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  });

  it('answers what a replica asks and refuses the rest', async () => {
    await using connection = await connect(loginOf(archive));

    expect(connection.version).toBe('10.11.19-MariaDB-log');
    expect(await connection.query("SHOW VARIABLES LIKE 'SERVER_ID'")).toEqual([
      { Variable_name: 'server_id', Value: '101' },
    ]);
    await expect(connection.query('SELECT * FROM mysql.user')).rejects.toMatchObject({ code: 'SERVER_QUERY_FAILED' });
    expect(await connection.query("SELECT binlog_gtid_pos('binlog.000001',4) AS state")).toEqual([
      { state: '0-101-1' },
    ]);
    expect(await connection.query("SELECT binlog_gtid_pos('binlog.000002',4) AS state")).toEqual([{ state: null }]);
  });

  it('refuses a file and a position that it does not offer', async () => {
    const [first] = ranges;
    if (first === undefined) throw new Error('the primary has no log');
    await using part = await startArchiveServer({ identity, ranges: [{ ...first, from: 256 }], log: silentLog });
    await using folder = await makeTempDirectory('lastgood-test-');
    await using optionFile = await writeOptionFile(loginOf(part), folder.path);
    const read = async (file: string, position: number): Promise<unknown> =>
      await runTool({
        program: findProgram(['mariadb-binlog']),
        args: [`--defaults-file=${optionFile.path}`, '--read-from-remote-server', `--start-position=${position}`, file],
      });

    await expect(read('binlog.000002', 256)).rejects.toThrow('the archive server does not offer binlog.000002:256');
    await expect(read('binlog.000001', 4)).rejects.toThrow('the archive server does not offer binlog.000001:4');
    await expect(read('binlog.000001', first.to + 1)).rejects.toThrow('does not offer');
  });
});

describe('an archive server with a MySQL log', () => {
  it('feeds a MySQL replica', async () => {
    await using primary = await startMysql56();
    await using replica = await startMysql56({ serverId: 900 });
    await using source = await primary.connect();
    await using target = await replica.connect();
    await source.query('CREATE DATABASE shop');
    await source.query('CREATE TABLE shop.item (id INT PRIMARY KEY, name VARCHAR(20))');
    await source.query("INSERT INTO shop.item VALUES (1, 'one'), (2, 'two')");
    const range = await servedFile(join(primary.datadir, 'binlog.000001'));
    await using archive = await startArchiveServer({
      identity: { flavor: 'mysql', serverVersion: '5.6.24-log', serverId: 101, gtidMode: 'ON', gtidState: '' },
      ranges: [range],
      log: silentLog,
    });

    await target.query(
      `CHANGE MASTER TO MASTER_HOST = '${archive.host}', MASTER_PORT = ${archive.port}, MASTER_USER = '${archive.user}',
         MASTER_PASSWORD = '${archive.password}', MASTER_LOG_FILE = 'binlog.000001', MASTER_LOG_POS = 4,
         MASTER_HEARTBEAT_PERIOD = 0.1`,
    );
    await target.query('START SLAVE');
    await waitFor(
      async () => {
        const [row] = await target.query("SHOW GLOBAL STATUS LIKE 'Slave_received_heartbeats'");
        return Number(row?.['Value']) > 1;
      },
      { timeoutMs: 20_000, what: 'heartbeats' },
    );

    const [status] = await target.query('SHOW SLAVE STATUS');
    expect(status).toMatchObject({ Last_IO_Error: '', Last_SQL_Error: '', Exec_Master_Log_Pos: String(range.to) });
    expect(await checksums(target)).toEqual(await checksums(source));
  });
});
