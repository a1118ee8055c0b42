import { blurred, type Difference } from './difference.ts';
import { LOST, quiet, trouble, type Meeting } from './meeting.ts';
import type { TableChange, Touch } from './touch.ts';

/** A later ALTER TABLE of a table that both have, and that is not the same in both: the gravest of what its changes come to. */
export function meetAlter(difference: Difference, { changes = [] }: Touch): Meeting {
  const found = changes.map((change) => meetChange(difference, change));
  const gravest = ORDER.map((kind) => found.find((meeting) => meeting.trouble === kind)).find(
    (meeting) => meeting !== undefined,
  );
  return { trouble: gravest?.trouble ?? null, why: gravest?.why ?? '', then: after(difference, changes) };
}

const ORDER = ['fails', 'may-fail', 'undone', 'differs'] as const;

function meetChange(difference: Difference, change: TableChange): Meeting {
  const { extra, old, absent, definition, columns } = difference;
  if (holds(columns, change.column)) return meetColumn(difference, change);
  const rowsDiffer = [extra, old, absent].some((rows) => rows !== 'no');
  const why = rowsDiffer ? ON_ROWS[change.kind] : undefined;
  if (why !== undefined) return trouble('may-fail', why, difference);
  const isOfColumn = change.kind === 'add-column' || change.kind === 'drop-column';
  return definition || (columns.length > 0 && !isOfColumn)
    ? trouble('may-fail', 'is altered, and has another definition than on the source', difference)
    : quiet(difference);
}

const ON_ROWS: Partial<Record<TableChange['kind'], string>> = {
  swap: 'trades rows with another table, and they are not those of the source',
  rows: 'has partitions changed, whose rows are not those of the source',
  key: 'gets a key or a check that rows which are still there may break',
};

/** A change of a column that is still there. */
function meetColumn(difference: Difference, { kind, column, lenient }: TableChange): Meeting {
  const name = column ?? '';
  if (kind === 'drop-column') return trouble('undone', `loses column ${name} again: ${LOST}`, difference);
  const why = `gets column ${name}, which is still there`;
  return lenient ? trouble('differs', why, difference) : trouble('fails', `${why} (error 1060)`, difference);
}

/** A column that is added stands behind those that are still there; where columns or keys change, so do rows and their keys. */
function after(difference: Difference, changes: readonly TableChange[]): Difference {
  const { columns, definition } = difference;
  const gone = changes.filter(({ kind }) => kind === 'drop-column');
  const left = columns.filter((name) => !gone.some(({ column }) => column?.toLowerCase() === name.toLowerCase()));
  const isOther = ({ kind, column }: TableChange): boolean => kind !== 'index' && !holds(columns, column);
  const isMoved = left.length > 0 && changes.some(isOther);
  const rows = changes.some(({ kind }) => kind !== 'index') ? blurred(difference) : difference;
  return { ...rows, columns: left, definition: definition || isMoved };
}

function holds(columns: readonly string[], column: string | null): boolean {
  return columns.some((name) => name.toLowerCase() === column?.toLowerCase());
}
