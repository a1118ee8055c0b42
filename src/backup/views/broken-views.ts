import { quoteName, within } from '../../server/quote-name.ts';
import { sqlLines } from '../sql-lines.ts';
import { accountName } from './definers.ts';
import type { View } from './read-views.ts';

type BrokenView = Pick<View, 'key' | 'definer' | 'security' | 'broken'>;

/**
 * SQL for views that nobody can make, because what they read is gone: under each name another view that is broken as
 * much. A log that goes on may drop or replace it, and an applier stops where it is missing (MariaDB 10.11.19, MySQL 5.6.24).
 *
 * @param schemas all there are: what the stand-ins read is in one more, which is there only meanwhile
 */
export function standInViews(views: readonly BrokenView[], schemas: readonly string[]): string {
  const gone = unusedName(schemas);
  const table = within(gone, 'definition_in_backup');
  return [
    sqlLines([`CREATE DATABASE ${quoteName(gone)}`, `CREATE TABLE ${table} (missing INT)`]),
    ...views.map((view) => comment(view) + sqlLines([standIn(view, table)])),
    sqlLines([`DROP DATABASE ${quoteName(gone)}`]),
  ].join('');
}

function standIn({ key, definer, security }: BrokenView, table: string): string {
  return `CREATE DEFINER=${accountName(definer)} SQL SECURITY ${security} VIEW ${key} AS SELECT missing FROM ${table}`;
}

/** For whoever makes it anew by hand. */
function comment({ key, broken }: BrokenView): string {
  return `-- View ${key} was broken when it was backed up: ${broken ?? ''}`.replaceAll(/[\r\n]/g, ' ') + '\n';
}

function unusedName(schemas: readonly string[]): string {
  const used = new Set(schemas.map((name) => name.toLowerCase()));
  let name = 'lastgood_broken_view';
  while (used.has(name)) name += '_';
  return name;
}
