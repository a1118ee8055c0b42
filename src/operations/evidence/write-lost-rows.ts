import { isLastgoodError, LastgoodError } from '../../platform/errors.ts';
import type { OpenArchive } from '../open-archive.ts';
import { findIncident, findLossyTables, type EvidenceOptions, type LossyTables } from './evidence-source.ts';
import { readLostRows } from './lost-rows.ts';
import { askedFor, firstRows, writableTables } from './lost-rows-shown.ts';
import { rowsAs, type RowsFormat } from './rows-as.ts';
import { tableText } from './table-definition.ts';
import { whyNotUndoable } from './undoable.ts';
import { assertWritableAsSql, type WritableTable } from './writable-table.ts';
import type { Incident } from '../../incident/incident.ts';

export interface WrittenRowsOptions extends EvidenceOptions {
  readonly format: RowsFormat;
  /** The first so many rows; all when not given. */
  readonly most?: number | undefined;
  /** For `sql`, which waits on disk until all of it is known; the system's temporary folder when not given. */
  readonly folder?: string | undefined;
}

/**
 * The rows that an incident deleted or updated, piece by piece in one format; for `sql`, the statements that put them back.
 *
 * @throws LastgoodError `INCIDENT_UNKNOWN`, `ROWS_UNAVAILABLE` when the log does not hold them or not as they were, `USAGE` for
 * csv of several tables
 */
export async function writeLostRows(
  archive: OpenArchive,
  id: string,
  options: WrittenRowsOptions,
): Promise<AsyncGenerator<string>> {
  try {
    return withIncident(id, await openLostRows(archive, id, options));
  } catch (error) {
    throw ofIncident(id, error);
  }
}

async function openLostRows(
  archive: OpenArchive,
  id: string,
  options: WrittenRowsOptions,
): Promise<AsyncGenerator<string>> {
  const { format, most } = options;
  const placed = await findIncident(archive, id, options.signal);
  const lossy = await findLossyTables(archive, placed, options);
  assertReadable(placed.incident, lossy, options);
  if (format === 'sql') await assertUndoable(placed.incident, lossy);
  if (format === 'csv') assertFitsCsv(placed.incident, lossy);
  const tables = writableTables(lossy.tables);
  const all = readLostRows({ part: lossy.part, tables: new Set(tables.keys()), ...options });
  const batches = most === undefined ? all : firstRows(all, most);
  return rowsAs(format, {
    ...{ batches, tables, folder: options.folder },
    about: aboutRows(placed.incident, { ...options, tables: [...tables.values()] }),
  });
}

/** A value may turn out only on the way to be one that cannot be written. */
async function* withIncident(id: string, pieces: AsyncGenerator<string>): AsyncGenerator<string> {
  try {
    yield* pieces;
  } catch (error) {
    throw ofIncident(id, error);
  }
}

/** Whoever asked for one incident is to get commands with its id. */
function ofIncident(incident: string, error: unknown): unknown {
  if (!isLastgoodError(error, 'ROWS_UNAVAILABLE')) return error;
  return new LastgoodError('ROWS_UNAVAILABLE', error.message, {
    details: { ...error.details, incident },
    hint: error.hint.replace('--before INCIDENT', `--before ${incident}`),
    cause: error,
  });
}

function assertReadable(
  { id }: Incident,
  { tables, unread }: LossyTables,
  asked: Pick<EvidenceOptions, 'schema' | 'table'>,
): void {
  if (unread !== null) throw unavailable(id, unread);
  if (tables.length === 0) throw unavailable(id, `the log holds no rows${askedFor(asked)} that it deleted or updated`);
  for (const { changed } of tables) {
    if (changed.problem !== null) throw unavailable(id, `${tableText(changed.table)}: ${changed.problem}`);
  }
}

/** Statements that put back what was never lost would be worse than none. */
async function assertUndoable({ id, state }: Incident, { part, tables }: LossyTables): Promise<void> {
  if (state !== 'effective') throw unavailable(id, `its state is ${state}, so it is not sure that it destroyed them`);
  const why = await whyNotUndoable(part);
  if (why !== null) throw unavailable(id, why);
  for (const table of tables) assertWritableAsSql(table);
}

function unavailable(id: string, why: string): LastgoodError {
  return new LastgoodError('ROWS_UNAVAILABLE', `cannot read the rows of incident ${id}: ${why}`);
}

/** A line has a place for each column of one table, and none to say that the log left a column out. */
function assertFitsCsv({ id }: Incident, { tables }: LossyTables): void {
  const partial = tables.find(({ changed }) => !changed.whole);
  if (partial !== undefined) {
    const name = tableText(partial.changed.table);
    throw unavailable(id, `csv cannot show that the log holds the rows of ${name} only in part, json can`);
  }
  if (tables.length === 1) return;
  const names = tables.map(({ changed }) => tableText(changed.table)).join(', ');
  throw new LastgoodError('USAGE', `csv holds the rows of one table, and there are ${tables.length}: ${names}`, {
    hint: 'Choose one with --schema and --table.',
  });
}

function aboutRows(
  { id, kind, time, file, start, gtid, rows }: Incident,
  { tables, most }: { readonly tables: readonly WritableTable[]; readonly most?: number | undefined },
): string[] {
  const where = `${file}:${start}${gtid === null ? '' : `, GTID ${gtid}`}`;
  return [
    `lastgood: puts back the rows that incident ${id} destroyed (${kind}, ${time}, ${where})`,
    `tables: ${tables.map(tableText).join(', ')}; ${rows.deleted} rows deleted, ${rows.updated} updated`,
    ...(most === undefined ? [] : [`only the first ${most} of them`]),
    'One transaction: load it with a client that stops at the first error, as `mariadb --loose-skip-print-query-on-error < FILE`, which then',
    'does not print the rows of the statement that failed. Triggers of the tables run as for any statement;',
    'a row that was inserted since under the same key stops it; an updated row gets its old values back, whatever it has now.',
    'A row that was updated, and is deleted since or has another key, stays as it is now: its UPDATE finds nothing, without an error.',
  ];
}
