import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openRepository } from '../../src/archive/repository.ts';
import { exportLogs, type ExportedFile } from '../../src/operations/export.ts';
import { waitFor } from '../../src/platform/wait.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import { archiveUntilCurrent, repositoryBeside, segmentsOf } from '../support/archiver.ts';
import { checksums } from '../support/compare.ts';
import { startMysql56, startPrimary, type TestServer } from '../support/servers.ts';

const INSERTS = [1, 2, 3, 4, 5].map((id) => `INSERT INTO shop.item VALUES (${id})`);
const SCHEMA = ['CREATE DATABASE shop', 'CREATE TABLE shop.item (id INT PRIMARY KEY)'];
const RELAY = 'copied-relay';

async function runAll(connection: ServerConnection, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await connection.query(statement);
}

/** The archive from the middle of its first file on, where the schema is made and no row is written. */
async function exportBehindSchema(server: TestServer): Promise<{ files: ExportedFile[]; state: string }> {
  const [first] = await segmentsOf(repositoryBeside(server));
  await using connection = await server.connect();
  const events = await connection.query<{ Pos: string; Info: string; Event_type: string; End_log_pos: string }>(
    `SHOW BINLOG EVENTS IN 'binlog.000001'`,
  );
  const created = events.find(({ Info }) => Info.includes('CREATE TABLE shop.item'));
  const { files } = await exportLogs({
    repository: await openRepository(repositoryBeside(server)),
    name: 'shop',
    lineage: null,
    from: { file: first?.file ?? '', position: Number(created?.End_log_pos) },
    to: null,
    out: join(server.directory, 'out'),
    signal: new AbortController().signal,
  });
  return { files, state: connection.flavor === 'mysql' ? `${await uuidOf(connection)}:1-2` : '0-101-2' };
}

async function uuidOf(connection: ServerConnection): Promise<string> {
  const [row] = await connection.query<{ uuid: string }>('SELECT @@server_uuid AS uuid');
  return row?.uuid ?? '';
}

/** Puts the files where the server keeps what it has fetched from its primary. */
async function copyAsRelayLogs(target: TestServer, files: readonly ExportedFile[]): Promise<void> {
  const names = files.map((_, index) => `${RELAY}.00000${index + 1}`);
  for (const [index, { path }] of files.entries()) await copyFile(path, join(target.datadir, names[index] ?? ''));
  await writeFile(join(target.datadir, `${RELAY}.index`), names.map((name) => `./${name}\n`).join(''));
}

async function applyRelayLogs(connection: ServerConnection): Promise<void> {
  const file = connection.flavor === 'mysql' ? '' : "MASTER_LOG_FILE = 'binlog.000001', MASTER_LOG_POS = 4,";
  await connection.query(
    `CHANGE MASTER TO MASTER_HOST = 'nowhere', MASTER_USER = 'nobody', ${file}
       RELAY_LOG_FILE = '${RELAY}.000001', RELAY_LOG_POS = 4`,
  );
  await connection.query('START SLAVE SQL_THREAD');
}

describe.each([
  ['MariaDB', startPrimary],
  ['MySQL 5.6', startMysql56],
])('a piece cut out of the log of %s', (_, start) => {
  it('is read by such a server as a relay log, and the files behind it too', async () => {
    await using source = await start();
    await using connection = await source.connect();
    await runAll(connection, [...SCHEMA, ...INSERTS.slice(0, 3), 'FLUSH BINARY LOGS', ...INSERTS.slice(3)]);
    await archiveUntilCurrent(source, repositoryBeside(source));
    const { files, state } = await exportBehindSchema(source);
    expect(files).toHaveLength(2);

    await using target = await start({
      serverId: 900,
      args: [`--relay-log=${RELAY}`, '--skip-slave-start', '--relay-log-purge=0'],
    });
    {
      await using before = await target.connect();
      const known = before.flavor === 'mysql' ? `gtid_purged = '${state}'` : `gtid_slave_pos = '${state}'`;
      await runAll(before, [...SCHEMA, 'RESET MASTER', `SET GLOBAL ${known}`]);
    }
    await target.kill(); // a clean stop takes MySQL seconds
    await copyAsRelayLogs(target, files);
    await target.restart();
    await using applied = await target.connect();
    await applyRelayLogs(applied);
    const same = async (): Promise<boolean> => {
      const [status] = await applied.query<{ Last_SQL_Error: string }>('SHOW SLAVE STATUS');
      if (status?.Last_SQL_Error !== '') throw new Error(status?.Last_SQL_Error);
      const [row] = await applied.query<{ n: string }>('SELECT COUNT(*) AS n FROM shop.item');
      return Number(row?.n) === INSERTS.length;
    };
    await waitFor(same, { timeoutMs: 20_000, what: 'all rows' });
    expect(await checksums(applied, ['shop'])).toEqual(await checksums(connection, ['shop']));
  });
});
