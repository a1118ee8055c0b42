import { isWord, keywordOf, type TokenReader } from '../../incident/token-reader.ts';
import { readName, type Match } from '../../incident/match.ts';
import type { Named, TableChange } from './touch.ts';

/** What an ALTER TABLE does to its table and to others, and where it moves it. */
export interface AlterChanges {
  readonly changes: readonly TableChange[];
  /** null: it keeps its name. */
  readonly renamedTo: Named | null;
  /** Tables that trade rows with its partitions. */
  readonly others: readonly { readonly table: Named; readonly verb: 'alter' | 'create' | 'drop' }[];
}

/** Not columns. Source: MariaDB 10.11 sql/sql_yacc.yy, alter_list_item; MySQL 8.4 manual, "ALTER TABLE Statement". */
const KEYS: readonly string[] = ['UNIQUE', 'PRIMARY', 'FOREIGN', 'CHECK', 'CONSTRAINT'];
const NO_COLUMN: readonly string[] = ['INDEX', 'KEY', 'FULLTEXT', 'SPATIAL', 'PERIOD', 'SYSTEM'];
/** Before PARTITION: whole partitions lose their rows. What is done to partitions is all that a statement does. */
const ROWS_OF: readonly string[] = ['DROP', 'TRUNCATE', 'DISCARD', 'IMPORT', 'ADD', 'REORGANIZE', 'COALESCE'];

/** Reads what stands behind the table's name. */
export function readAlterChanges(match: Match): AlterChanges {
  const { reader } = match;
  const trade = readTrade(match);
  if (trade !== null) return trade;
  if (reader.isAt(ROWS_OF) && reader.isAt(['PARTITION', 'TABLESPACE'], 1)) {
    return { changes: [change('rows')], renamedTo: null, others: [] };
  }
  const changes: TableChange[] = [];
  let renamedTo: Named | null = null;
  while (reader.peek.kind !== 'end' && !reader.isAt([';'])) {
    if (isRename(reader)) {
      reader.take();
      reader.takeWord('TO', 'AS', '=');
      renamedTo = readTable(match);
    } else changes.push(...readChange(reader));
    reader.skipTo([',']);
    reader.takeWord(',');
  }
  return { changes, renamedTo, others: [] };
}

/** EXCHANGE PARTITION p WITH TABLE t · CONVERT PARTITION p TO TABLE t · CONVERT TABLE t TO PARTITION p; null for all else. */
function readTrade(match: Match): AlterChanges | null {
  const { reader } = match;
  const isOfPartition = reader.isAt(['EXCHANGE', 'CONVERT']) && reader.isAt(['PARTITION'], 1);
  const verb = reader.isAt(['EXCHANGE']) ? 'alter' : isOfPartition ? 'create' : 'drop';
  if (!isOfPartition && !(reader.isAt(['CONVERT']) && reader.isAt(['TABLE'], 1))) return null;
  reader.skipTo(['TABLE']);
  reader.take();
  const table = readTable(match);
  return { changes: [change('swap')], renamedTo: null, others: table === null ? [] : [{ table, verb }] };
}

function readTable(match: Match): Named | null {
  const name = readName(match);
  return name === undefined ? null : { ...name, type: 'table' };
}

/** RENAME COLUMN and RENAME INDEX leave the table its name. */
function isRename(reader: TokenReader): boolean {
  return reader.isAt(['RENAME']) && !reader.isAt(['COLUMN', 'INDEX', 'KEY'], 1);
}

function readChange(reader: TokenReader): TableChange[] {
  const word = keywordOf(reader.peek);
  if (word === 'ADD') return readAdd(reader);
  if (word === 'DROP') return readDrop(reader);
  if (QUIET.includes(word)) return [];
  return BREAKABLE.includes(word) ? [change('key'), change('other')] : [change('other')];
}

/** A column may become NOT NULL by it, or too narrow, two texts the same, a row be of no partition: rows may break it. */
const BREAKABLE: readonly string[] = ['MODIFY', 'CHANGE', 'CONVERT', 'PARTITION'];

/** Nothing that rows, or statements about them, could notice. */
const QUIET: readonly string[] = [
  ...['ENABLE', 'DISABLE', 'FORCE', 'COMMENT', 'AUTO_INCREMENT', 'ALGORITHM', 'LOCK', 'WAIT', 'NOWAIT', 'ROW_FORMAT'],
  ...['STATS_PERSISTENT', 'STATS_AUTO_RECALC', 'KEY_BLOCK_SIZE'],
];

function readAdd(reader: TokenReader): TableChange[] {
  reader.take();
  if (reader.isAt(KEYS)) return [change('key')];
  if (reader.isAt(NO_COLUMN)) return [change(reader.isAt(['SYSTEM', 'PERIOD']) ? 'other' : 'index')];
  reader.takeWord('COLUMN');
  const lenient = takeGuard(reader);
  if (!reader.takeWord('(')) return readColumn(reader, lenient);
  return readColumnList(reader, lenient);
}

/** ADD (a INT, b DECIMAL(8,2)) */
function readColumnList(reader: TokenReader, lenient: boolean): TableChange[] {
  const found: TableChange[] = [];
  do {
    if (reader.isAt([...KEYS, ...NO_COLUMN])) found.push(change('key'));
    else found.push(...readColumn(reader, lenient));
    reader.skipTo([',', ')']);
  } while (reader.takeWord(','));
  return found;
}

/** Words of a column that rows which are there may break, or that gives them values of their own. */
const BINDS: readonly string[] = [
  ...['KEY', 'UNIQUE', 'PRIMARY', 'AUTO_INCREMENT', 'SERIAL', 'AS', 'CHECK', 'REFERENCES'],
  ...['DATE', 'DATETIME', 'TIMESTAMP'],
];

/** A column's definition, up to the comma or parenthesis behind it. */
function readColumn(reader: TokenReader, lenient: boolean): TableChange[] {
  const added: TableChange = { kind: 'add-column', column: reader.takeName() ?? null, lenient };
  reader.skipTo([...BINDS, ',', ')']);
  return reader.isAt(BINDS) ? [added, change('key')] : [added];
}

function readDrop(reader: TokenReader): TableChange[] {
  reader.take();
  if (reader.isAt([...KEYS, 'SYSTEM', 'PERIOD'])) return [change('other')];
  if (reader.isAt(NO_COLUMN)) return [change('index')];
  reader.takeWord('COLUMN');
  const lenient = takeGuard(reader);
  return [{ kind: 'drop-column', column: reader.takeName() ?? null, lenient }];
}

function takeGuard(reader: TokenReader): boolean {
  if (!isWord(reader.peek, 'IF')) return false;
  while (reader.takeWord('IF', 'NOT', 'EXISTS'));
  return true;
}

function change(kind: TableChange['kind']): TableChange {
  return { kind, column: null, lenient: false };
}
