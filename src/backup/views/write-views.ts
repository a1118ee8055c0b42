/**
 * Views in text. Enters: a server whose definitions stand still. Leaves: SQL for the `mariadb` or `mysql` client that
 * makes them all where their tables and functions are. Must not know who asks.
 */
import type { TableName } from '../../binlog/group.ts';
import type { ServerConnection } from '../../server/connection.ts';
import { quoteInSchema, quoteName } from '../../server/quote-name.ts';
import { showCreate } from '../show-create.ts';
import { sqlLines } from '../sql-lines.ts';
import { createStored } from '../stored-program.ts';
import { standInViews } from './broken-views.ts';
import { missingDefiners, standInAccounts } from './definers.ts';
import { readViews, type View } from './read-views.ts';
import { orderViews } from './view-order.ts';

/** Which views there are. */
export interface ViewScope {
  readonly schemas: readonly string[];
  /** Those that the server itself cannot read. */
  readonly brokenViews: readonly TableName[];
}

type Write = (sql: Buffer | string) => Promise<void>;

const LOADING = ['SET NAMES utf8mb4', "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO', time_zone = '+00:00'"];

/**
 * Writes them, each behind those that it reads. A dump tool makes them by name, over stand-ins with the same columns: these
 * do for most, but not below a CHECK OPTION, and a dump with one such view does not load. The connection reads as stored.
 *
 * @throws LastgoodError `PRIVILEGE_MISSING`, and what a query throws
 */
export async function writeViews(connection: ServerConnection, scope: ViewScope, write: Write): Promise<void> {
  const views = await readViews(connection, scope.schemas, scope.brokenViews);
  if (views.length === 0) return;
  const whole = orderViews(views.filter(({ broken }) => broken === null));
  const definers = await missingDefiners(
    connection,
    whole.map(({ definer }) => definer),
  );
  const accounts = standInAccounts(connection, definers);
  await write(sqlLines([...LOADING, ...accounts.create]));
  await write(
    standInViews(
      views.flatMap(({ broken, ...view }) => (broken === null ? [] : [{ ...view, broken }])),
      scope.schemas,
    ),
  );
  const outlived = outlivedViews(whole);
  for (const view of outlived.toReversed()) await writeOutlived(connection, { view, whole }, write);
  for (const view of whole) if (!outlived.includes(view)) await write(await readView(connection, view));
  await write(sqlLines(accounts.drop));
}

/**
 * Views with a CHECK OPTION over one that takes no rows any more, since it was replaced: they work as ever, but nobody
 * can make them as it is. They come first, over tables in place of what they read.
 */
function outlivedViews(views: readonly View[]): View[] {
  const fixed = new Set(views.filter(({ isUpdatable }) => !isUpdatable).map(({ key }) => key));
  return views.filter(({ isChecked, reads }) => isChecked && [...reads].some((key) => fixed.has(key)));
}

async function writeOutlived(
  connection: ServerConnection,
  { view, whole }: { readonly view: View; readonly whole: readonly View[] },
  write: Write,
): Promise<void> {
  const read = whole.filter(({ key }) => view.reads.has(key));
  for (const { key, ...name } of read) await write(`CREATE TABLE ${key} (${await readColumns(connection, name)});\n`);
  await write(await readView(connection, view));
  await write(sqlLines(read.map(({ key }) => `DROP TABLE ${key}`)));
}

async function readColumns(connection: ServerConnection, { schema, table }: TableName): Promise<string> {
  const columns = await connection.query<{ name: string; type: string; collation: string | null }>(
    `SELECT COLUMN_NAME AS name, COLUMN_TYPE AS type, COLLATION_NAME AS collation FROM information_schema.COLUMNS
     WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION`,
    [schema, table],
  );
  return columns
    .map(
      ({ name, type, collation }) => `${quoteName(name)} ${type}${collation === null ? '' : ` COLLATE ${collation}`}`,
    )
    .join(', ');
}

async function readView(connection: ServerConnection, { schema, table }: View): Promise<Buffer> {
  const shown = await showCreate(connection, `SHOW CREATE VIEW ${quoteInSchema(schema, table)}`);
  const [, creation = Buffer.alloc(0), charset, collation] = shown;
  return createStored({ schema, creation, charset: String(charset), collation: String(collation) });
}
