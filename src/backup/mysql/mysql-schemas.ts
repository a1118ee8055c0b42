/**
 * A dump of MySQL's schemas without a tool: mariadb-dump 10.11 cannot read MySQL 5.6 at all. Enters: a replica that stands
 * still. Leaves: one SQL file for the `mariadb` or `mysql` client. Must not know where the replica stands in its primary's log.
 */
import type { WrittenFile } from '../../platform/durable-file.ts';
import { throwIfAborted } from '../../platform/wait.ts';
import { connect, type ServerConnection } from '../../server/connection.ts';
import { quoteName, within } from '../../server/quote-name.ts';
import type { ServerOptions } from '../../server/server-options.ts';
import { writeCompressed } from '../compressed-file.ts';
import { ROWS_ELSEWHERE, type DumpScope } from '../dump-scope.ts';
import { readAsStored, writeTableRows } from '../exact-rows.ts';
import { sqlLines } from '../sql-lines.ts';
import { writeBrokenViews } from '../views/write-broken-views.ts';
import { writeViews } from '../views/write-views.ts';
import { readEvents, readRoutines, readTriggers } from './mysql-programs.ts';
import { showCreate } from '../show-create.ts';

export interface MysqlSchemasOptions {
  readonly path: string;
  readonly replica: ServerOptions;
  readonly scope: DumpScope;
  /** Called once, when the snapshot is taken. */
  readonly onSnapshot: () => void;
  /** Bytes of SQL so far. */
  readonly onProgress: (bytes: number) => void;
  readonly signal?: AbortSignal | undefined;
}

type Write = (sql: Buffer | string) => Promise<void>;

/** What the file is written for. */
const LOADING = [
  'SET NAMES utf8mb4',
  "SET SESSION time_zone = '+00:00', sql_mode = 'NO_AUTO_VALUE_ON_ZERO', foreign_key_checks = 0, unique_checks = 0",
];

/**
 * Writes schemas in one snapshot: broken views, tables with rows, routines, views, which may use functions, then what fires and runs by itself.
 *
 * @throws LastgoodError `SERVER_QUERY_FAILED`, `PRIVILEGE_MISSING`, `SERVER_UNREACHABLE`, `STORAGE_FAILED`, `INTERRUPTED`
 */
export async function dumpMysqlSchemas(o: MysqlSchemasOptions): Promise<WrittenFile> {
  return await writeCompressed(o.path, async (writeOut) => {
    await using connection = await connect(o.replica);
    await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
    await connection.query('START TRANSACTION WITH CONSISTENT SNAPSHOT');
    o.onSnapshot();
    await readAsStored(connection);
    let bytes = 0;
    const write: Write = async (sql) => {
      throwIfAborted(o.signal);
      bytes += sql.length;
      o.onProgress(bytes);
      await writeOut(sql);
    };
    await write(sqlLines(LOADING));
    await writeBrokenViews(connection, o.scope, write);
    for (const schema of o.scope.schemas) await writeTables(connection, schema, write);
    const writeAll = async (read: typeof readRoutines): Promise<void> => {
      for (const schema of o.scope.schemas) for (const sql of await read(connection, schema)) await write(sql);
    };
    await writeAll(readRoutines);
    await writeViews(connection, o.scope, write);
    await writeAll(readTriggers);
    await writeAll(readEvents);
  });
}

async function writeTables(connection: ServerConnection, schema: string, write: Write): Promise<void> {
  const [, created] = await showCreate(connection, `SHOW CREATE DATABASE IF NOT EXISTS ${quoteName(schema)}`);
  await write(`${String(created)};\nUSE ${quoteName(schema)};\n`);
  const tables = await connection.query<{ name: string; holds: string | number }>(
    `SELECT TABLE_NAME AS name, ENGINE NOT IN (${ROWS_ELSEWHERE}) AS holds FROM information_schema.TABLES
     WHERE TABLE_SCHEMA = ? AND TABLE_TYPE = 'BASE TABLE' ORDER BY TABLE_NAME`,
    [schema],
  );
  for (const { name: table, holds } of tables) {
    const [, creation] = await showCreate(connection, `SHOW CREATE TABLE ${within(schema, table)}`);
    await write(`${String(creation)};\n`);
    if (Number(holds) === 1) await writeTableRows(connection, { schema, table, qualified: false }, write);
  }
}
