import type { TableName } from '../binlog/group.ts';
import type { Flavor } from '../binlog/gtid.ts';
import type { WrittenFile } from '../platform/durable-file.ts';
import { throwIfAborted } from '../platform/wait.ts';
import { connect, type ServerConnection } from '../server/connection.ts';
import { quoteName, within } from '../server/quote-name.ts';
import type { ServerOptions } from '../server/server-options.ts';
import { writeCompressed } from './compressed-file.ts';
import { sqlLines } from './sql-lines.ts';

export interface ExactRowsOptions {
  readonly path: string;
  readonly server: ServerOptions;
  readonly tables: readonly TableName[];
  /** False: their schema is not named, so that the rows load into whichever is the default. */
  readonly qualified?: boolean;
  /** Bytes of SQL so far. */
  readonly onProgress: (bytes: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** An INSERT goes on until it is about so long, characters. */
const INSERT_LENGTH = 512 * 1024;
/** A disk that is slow for an hour is no reason for the server to hang up, seconds. */
const PATIENCE = 3600;

/** What the rows are written for; triggers do not exist yet when they load. */
const LOADING = [
  'SET NAMES utf8mb4',
  "SET SESSION time_zone = '+00:00', sql_mode = 'NO_AUTO_VALUE_ON_ZERO'",
  'SET SESSION foreign_key_checks = 0, unique_checks = 0, check_constraint_checks = 0',
];

/**
 * Writes the rows of some tables as INSERT statements that give every stored value back bit by bit. mariadb-dump does
 * not: it prints a FLOAT with six digits. One table after the other, no common snapshot: nothing may write meanwhile.
 */
export async function dumpExactRows(o: ExactRowsOptions): Promise<WrittenFile> {
  return await writeCompressed(o.path, async (write) => {
    await writeExactRows(o, write);
  });
}

/** The same, into whatever takes it; `write` resolves when there is room for more. */
export async function writeExactRows(
  o: Omit<ExactRowsOptions, 'path'>,
  write: (sql: string) => Promise<void>,
): Promise<void> {
  await using connection = await connect(o.server);
  await readAsStored(connection);
  await connection.query('SET SESSION max_statement_time = 0');
  let bytes = 0;
  const add = async (sql: string): Promise<void> => {
    throwIfAborted(o.signal);
    bytes += sql.length;
    o.onProgress(bytes);
    await write(sql);
  };
  await add(sqlLines(LOADING));
  for (const table of o.tables) await writeTableRows(connection, { ...table, qualified: o.qualified !== false }, add);
}

/** Text comes as it is stored, in whatever character set, and times as the loading session reads them. */
export async function readAsStored(connection: ServerConnection): Promise<void> {
  await connection.query(
    `SET SESSION time_zone = '+00:00', sql_mode = '', character_set_results = NULL, net_write_timeout = ${PATIENCE}`,
  );
}

/** Writes the rows of one table; the connection reads as stored, and decides what of the table it sees. */
export async function writeTableRows(
  connection: ServerConnection,
  { schema, table, qualified }: TableName & { readonly qualified: boolean },
  add: (sql: string) => Promise<void>,
): Promise<void> {
  const columns = await readColumns(connection, { schema, table });
  const name = within(schema, table);
  const insert = `INSERT INTO ${qualified ? name : quoteName(table)} (${columns.map((column) => quoteName(column.name)).join(', ')}) VALUES\n`;
  const select = `SELECT ${columns.map(({ name: column, form }) => form.select(quoteName(column))).join(', ')} FROM ${name}`;
  await add('BEGIN;\n');
  let rows = '';
  for await (const row of connection.rows(select)) {
    const values = row.map((value, at) => (value === null ? 'NULL' : columns[at]?.form.literal(value)));
    rows += `${rows === '' ? insert : ',\n'}(${values.join(',')})`;
    if (rows.length < INSERT_LENGTH) continue;
    await add(`${rows};\n`);
    rows = '';
  }
  await add(`${rows === '' ? '' : `${rows};\n`}COMMIT;\n`);
}

interface Column {
  readonly name: string;
  readonly form: Form;
}

/** How to ask for values of a type, and how to write what comes. */
interface Form {
  select(column: string): string;
  literal(value: Buffer): string;
}

const itself = (column: string): string => column;
const asNumber = (column: string): string => `CAST(${column} AS UNSIGNED)`;

/** A literal in hexadecimal has no character set: its bytes are stored as they are. */
const BYTES: Form = { select: itself, literal: (value) => `X'${value.toString('hex')}'` };
/** The number behind it: of an ENUM the index, also that of the empty error value. */
const NUMBER: Form = { select: asNumber, literal: (value) => value.toString('latin1') };
/** Numbers, times, addresses: plain ASCII. In quotes, because the number -0 would lose its sign. */
const TEXT: Form = { select: itself, literal: (value) => `'${value.toString('latin1')}'` };
/** As a DOUBLE it is printed with all the digits that it takes to tell it from its neighbours. */
const FLOAT: Form = { ...TEXT, select: (column) => `CAST(${column} AS DOUBLE)` };
/** MySQL has that cast since 8.0.17 only; a product keeps the sign of 0. */
const MYSQL_FLOAT: Form = { ...TEXT, select: (column) => `${column} * 1e0` };
/** Text to MySQL, which takes no bytes for it. */
const MYSQL_JSON: Form = {
  select: itself,
  literal: (value) => `CONVERT(X'${value.toString('hex')}' USING utf8mb4)`,
};

const IN_BYTES =
  /^(char|varchar|binary|varbinary|(tiny|medium|long)?(text|blob)|json|vector|geometry|point|linestring|polygon|multi\w+|geometrycollection)$/;

function formOf(type: string, flavor: Flavor): Form {
  if (type === 'float') return flavor === 'mysql' ? MYSQL_FLOAT : FLOAT;
  if (type === 'json' && flavor === 'mysql') return MYSQL_JSON;
  if (['bit', 'enum', 'set'].includes(type)) return NUMBER;
  return IN_BYTES.test(type) ? BYTES : TEXT;
}

/** All but generated ones, which cannot be given; invisible ones too. */
async function readColumns(connection: ServerConnection, { schema, table }: TableName): Promise<Column[]> {
  const { flavor } = connection;
  // MySQL has no IS_GENERATED; DEFAULT_GENERATED is something else there.
  const isGiven = flavor === 'mysql' ? "EXTRA NOT REGEXP '(VIRTUAL|STORED) GENERATED'" : "IS_GENERATED = 'NEVER'";
  const columns = await connection.query<{ name: string; type: string }>(
    `SELECT COLUMN_NAME AS name, DATA_TYPE AS type FROM information_schema.COLUMNS
     WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND ${isGiven} ORDER BY ORDINAL_POSITION`,
    [schema, table],
  );
  return columns.map(({ name, type }) => ({ name, form: formOf(type.toLowerCase(), flavor) }));
}
