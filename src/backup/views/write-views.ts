/**
 * Views in text. Enters: a server whose definitions stand still. Leaves: SQL for the `mariadb` or `mysql` client that
 * makes them where their tables and functions are. Must not know who asks.
 */
import type { TableName } from '../../binlog/group.ts';
import type { ServerConnection } from '../../server/connection.ts';
import { quoteName } from '../../server/quote-name.ts';
import { sqlLines } from '../sql-lines.ts';
import { missingDefiners, standInAccounts } from './definers.ts';
import { readViewsInOrder, type View } from './read-views.ts';
import { createdWith, showView } from './shown-view.ts';
import { ViewSections, type Write } from './view-sections.ts';

/** Which views there are. */
export interface ViewScope {
  readonly schemas: readonly string[];
  /** Those that the server itself cannot read. */
  readonly brokenViews: readonly TableName[];
}

/**
 * Writes all but the broken ones, each behind those that it reads. A dump tool makes them by name, over stand-ins with the same columns: these
 * do for most, but not below a CHECK OPTION, and a dump with one such view does not load. The connection reads as stored.
 *
 * @throws LastgoodError `PRIVILEGE_MISSING`, and what a query throws
 */
export async function writeViews(connection: ServerConnection, scope: ViewScope, write: Write): Promise<void> {
  const views = await readViewsInOrder(connection, scope.schemas, scope.brokenViews);
  const whole = views.filter((view) => view.broken === null);
  const definers = whole.map(({ definer }) => definer);
  const accounts = standInAccounts(connection, await missingDefiners(connection, definers));
  const sections = new ViewSections(accounts, write);
  const outlived = outlivedViews(whole);
  for (const view of outlived.toReversed())
    for (const sql of await outlivedView(connection, { view, whole })) await sections.add(view.schema, sql);
  for (const view of whole)
    if (!outlived.includes(view)) await sections.add(view.schema, await readView(connection, view));
  await sections.end();
}

/**
 * Views with a CHECK OPTION over one that takes no rows any more, since it was replaced: they work as ever, but nobody
 * can make them as it is. They come first, over tables in place of what they read.
 */
function outlivedViews(views: readonly View[]): View[] {
  const fixed = new Set(views.filter(({ isUpdatable }) => !isUpdatable).map(({ key }) => key));
  return views.filter(({ isChecked, reads }) => isChecked && [...reads].some((key) => fixed.has(key)));
}

async function outlivedView(
  connection: ServerConnection,
  { view, whole }: { readonly view: View; readonly whole: readonly View[] },
): Promise<(Buffer | string)[]> {
  const read = whole.filter(({ key }) => view.reads.has(key));
  const tables: string[] = [];
  for (const { key, ...name } of read) tables.push(`CREATE TABLE ${key} (${await readColumns(connection, name)})`);
  const drops = read.map(({ key }) => `DROP TABLE ${key}`);
  return [sqlLines(tables), await readView(connection, view), sqlLines(drops)];
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

async function readView(connection: ServerConnection, view: View): Promise<Buffer> {
  const shown = await showView(connection, view);
  return createdWith(shown, Buffer.concat([shown.creation, Buffer.from(';\n')]));
}
