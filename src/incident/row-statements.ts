import { alwaysHolds } from './condition.ts';
import { LOOP_FLOORS } from './delete-loops.ts';
import { formOf, type Found } from './found.ts';
import type { IncidentKind, IncidentObject } from './incident.ts';
import { readName, type Match } from './match.ts';
import { readReferences, readTargets, type TableReference } from './table-references.ts';

/**
 * Statements about rows, as STATEMENT and MIXED logs have them. Which rows they met is not in the log: it is sure only of what means
 * every row of one table, whatever they are. Source: MariaDB 10.11 and MySQL 8.4 manuals, "Data Manipulation Statements".
 */
function candidate(
  kind: IncidentKind,
  tables: readonly TableReference[],
  { sure = false, ofOneTable = false }: Partial<Pick<Found, 'sure' | 'ofOneTable'>> = {},
): Found {
  const objects = tables.map(({ schema, name }): IncidentObject => ({ schema, name, type: 'table' }));
  return { form: formOf(kind), objects, sure, ofOneTable };
}

const AFTER_TABLES: readonly string[] = ['WHERE', 'ORDER', 'LIMIT', 'RETURNING', 'FOR'];

/** DELETE FROM a · DELETE a, b FROM a JOIN b · DELETE FROM a, b USING a JOIN b · DELETE HISTORY FROM a. */
export function readDelete(match: Match): Found | null {
  const { reader } = match;
  while (reader.takeWord('LOW_PRIORITY', 'QUICK', 'IGNORE', 'HISTORY'));
  const first = reader.takeWord('FROM');
  const targets = readTargets(match);
  const several = reader.takeWord(first ? 'USING' : 'FROM');
  const { tables, ofOneTable } = several
    ? readReferences(match, AFTER_TABLES)
    : { tables: [], ofOneTable: targets.length === 1 };
  const isUnderstood = reader.peek.kind === 'end' || reader.isAt([...AFTER_TABLES, ';']);
  const reach = reachOf(match, LOOP_FLOORS.deleted);
  if (reach === 'few') return null;
  const sure = ofOneTable && isUnderstood && reach === 'all';
  // MariaDB 10.11.19 marks those with several lists as if they used a temporary table, whatever they use: seen.
  return candidate('mass-delete', meantBy(targets, tables), { sure, ofOneTable: ofOneTable && !several });
}

/** The tables that such names stand for: aliases, or names of tables; what is neither is taken for a table. */
function meantBy(targets: readonly TableReference[], tables: readonly TableReference[]): TableReference[] {
  const called = new Map<string, TableReference>();
  for (const table of tables) {
    const name = table.alias === null ? nameOf(table) : table.alias.toLowerCase();
    if (!called.has(name)) called.set(name, table);
  }
  return targets.map((target) => called.get(target.name.toLowerCase()) ?? called.get(nameOf(target)) ?? target);
}

/** No name can hold a zero. */
function nameOf({ schema, name }: TableReference): string {
  return `${schema}\0${name.toLowerCase()}`;
}

/** UPDATE a SET ... · UPDATE a JOIN b ON ... SET ...; of several tables the text does not tell which one changes. */
export function readUpdate(match: Match): Found | null {
  const { reader } = match;
  while (reader.takeWord('LOW_PRIORITY', 'IGNORE'));
  const { tables, ofOneTable } = readReferences(match, ['SET', 'FOR']);
  const isUnderstood = reader.isAt(['SET']);
  if (isUnderstood && isCounter(match)) return null;
  const reach = reachOf(match, LOOP_FLOORS.updated);
  if (reach === 'few') return null;
  return candidate('mass-update', tables, { sure: ofOneTable && isUnderstood && reach === 'all', ofOneTable });
}

/**
 * SET id = LAST_INSERT_ID(id + 1), without a condition: the next number of a table with one row, which loses nothing.
 * Source: MySQL 8.4 manual, "Information Functions", LAST_INSERT_ID(expr).
 */
function isCounter({ reader }: Match): boolean {
  while (reader.skipTo(['LAST_INSERT_ID', 'WHERE', 'LIMIT']) && !reader.isAt(['WHERE', 'LIMIT'])) {
    reader.take();
    const { kind, text } = reader.peekAt(1);
    if (reader.isAt(['(']) && (kind === 'name' || (kind === 'word' && !/^\d/.test(text)))) return true;
  }
  return false;
}

/** REPLACE INTO a SELECT ...; as many rows as are written out are no mass. */
export function readReplace(match: Match): Found | null {
  const table = readTarget(match);
  return table !== undefined && isFromQuery(match) ? candidate('mass-update', [table]) : null;
}

/** INSERT INTO a SELECT ... ON DUPLICATE KEY UPDATE. */
export function readInsert(match: Match): Found | null {
  const { reader } = match;
  const table = readTarget(match);
  if (table === undefined || !isFromQuery(match)) return null;
  while (reader.skipTo(['DUPLICATE'])) {
    reader.take();
    if (reader.takeWord('KEY') && reader.isAt(['UPDATE'])) return candidate('mass-update', [table]);
  }
  return null;
}

/** LOAD DATA INFILE '...' REPLACE INTO TABLE a. */
export function readLoad(match: Match): Found | null {
  const { reader } = match;
  reader.skipTo(['REPLACE', 'INTO']);
  if (!reader.takeWord('REPLACE') || !reader.takeWord('INTO') || !reader.takeWord('TABLE')) return null;
  const table = readName(match);
  return table === undefined ? null : candidate('mass-update', [{ ...table, alias: null }]);
}

function readTarget(match: Match): TableReference | undefined {
  const { reader } = match;
  while (reader.takeWord('LOW_PRIORITY', 'DELAYED', 'HIGH_PRIORITY', 'IGNORE', 'INTO'));
  const table = readName(match);
  if (reader.takeWord('PARTITION')) reader.skipParentheses();
  return table === undefined ? undefined : { ...table, alias: null };
}

const QUERY: readonly string[] = ['SELECT', 'WITH', 'TABLE'];

/** Behind the table and perhaps its columns: rows that a query gives. */
function isFromQuery({ reader }: Match): boolean {
  if (reader.isAt(['(']) && !reader.isAt(QUERY, 1)) reader.skipParentheses();
  return reader.isAt(QUERY) || (reader.isAt(['(']) && reader.isAt(QUERY, 1));
}

/** few: those of a condition, or too few even for one round of a loop, as of a queue · many: up to a LIMIT, whatever they are. */
type Reach = 'few' | 'many' | 'all';

function reachOf({ reader }: Match, floor: number): Reach {
  // MariaDB: FOR PORTION OF period FROM a TO b is a condition too.
  if (reader.isAt(['FOR']) && reader.isAt(['PORTION'], 1)) return 'few';
  reader.skipTo(['WHERE', 'LIMIT']);
  if (reader.isAt(['WHERE']) && !alwaysHolds(reader)) return 'few';
  if (!reader.skipTo(['LIMIT'])) return 'all';
  reader.take();
  return Number(reader.take().text) < floor ? 'few' : 'many';
}
