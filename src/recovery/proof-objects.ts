import type { BackupRecord } from '../archive/backup-record.ts';
import type { IncidentObject } from '../incident/incident.ts';
import type { TableState } from './table-state.ts';

/** What a restored server has, and how it compares names. */
export interface RestoredObjects {
  readonly schemas: readonly string[];
  readonly tables: readonly TableState[];
  readonly settings: BackupRecord['settings'];
}

/** Looks for a schema or a table. @returns whether it is there, and in words what was found */
export function findObject(
  { schema, name }: IncidentObject,
  { schemas, tables, settings }: RestoredObjects,
): { ok: boolean; found: string } {
  const fold = caseOf(settings);
  const isSame = (a: string, b: string): boolean => fold(a) === fold(b);
  const inside = tables.filter((table) => isSame(table.schema, schema));
  if (name === null) {
    const rows = inside.reduce((sum, table) => sum + table.rows, 0);
    return schemas.some((candidate) => isSame(candidate, schema))
      ? { ok: true, found: `${countTables(inside)}, ${rows} rows` }
      : { ok: false, found: 'missing' };
  }
  const table = inside.find((candidate) => isSame(candidate.name, name));
  return table === undefined ? { ok: false, found: 'missing' } : { ok: true, found: `${table.rows} rows` };
}

/** As in 'table shop.orders'. */
export function describeObject({ schema, name, type }: IncidentObject): string {
  return name === null ? `${type} ${schema}` : `${type} ${schema}.${name}`;
}

/** As in '3 tables'. */
export function countTables({ length }: readonly unknown[]): string {
  return length === 1 ? '1 table' : `${length} tables`;
}

/** How a server with these settings compares names of schemas and tables. */
function caseOf({ lower_case_table_names: folds = '0' }: BackupRecord['settings']): (name: string) => string {
  return folds === '0' ? (name) => name : (name) => name.toLowerCase();
}
