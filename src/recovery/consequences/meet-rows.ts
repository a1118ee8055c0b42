import { blurred, type Difference, type RowDifference } from './difference.ts';
import { quiet, trouble, type Meeting } from './meeting.ts';
import type { TableFacts } from './table-facts.ts';
import type { Touch } from './touch.ts';

/** A later group changes, or reads, rows of a table that both have, and that is not the same in both. */
export function meetRows(difference: Difference, touch: Touch, facts: TableFacts | null): Meeting {
  if (touch.verb === 'read' && touch.lenient === true) return meetNamed(difference, touch);
  const content = meetContent(difference, touch, facts);
  const form = meetForm(difference, touch, facts);
  if (form === null || (content.trouble !== null && form.trouble !== 'fails')) return content;
  return { ...form, then: content.then };
}

/** The table is named by what does not read its rows: a view may take its columns. */
function meetNamed(difference: Difference, { isStored }: Touch): Meeting {
  const { columns, definition } = difference;
  if (isStored !== true || (columns.length === 0 && !definition)) return quiet(difference);
  return trouble('differs', 'is named in a definition, and has other columns than on the source', difference);
}

/** Null when the table's form does no harm. */
function meetForm(difference: Difference, touch: Touch, facts: TableFacts | null): Meeting | null {
  if (difference.definition) {
    const why = 'has another definition than on the source';
    return trouble(touch.verb === 'read' ? 'differs' : 'may-fail', why, difference);
  }
  const columns = difference.columns.join(', ');
  if (columns === '') return null;
  return touch.verb === 'read'
    ? trouble('differs', `is read, and still has ${columns}`, difference)
    : meetColumns(difference, touch, { facts, columns });
}

/** Rows of a table that still has columns. */
function meetColumns(
  difference: Difference,
  touch: Touch,
  { facts, columns }: { facts: TableFacts | null; columns: string },
): Meeting | null {
  if (touch.verb === 'insert' && touch.by === 'text' && touch.namesColumns === false)
    return trouble('fails', `still has ${columns}: there are fewer values than columns (error 1136)`, difference);
  if (touch.verb === 'insert' && mayRefuse(difference, touch, facts))
    return trouble('may-fail', `still has ${columns}: its default may be refused (error 1062 or 1364)`, difference);
  if (touch.by === 'text') return null;
  if (facts === null) {
    return trouble(
      'may-fail',
      `still has ${columns}: if not behind all others, values come into wrong columns`,
      difference,
    );
  }
  if (!areLast(difference.columns, facts)) {
    const why = `still has ${columns}, not behind all others: values would come into wrong columns`;
    return trouble('fails', why, difference);
  }
  if (touch.verb === 'insert' || facts.hasPrimaryKey) return null;
  const why = `still has ${columns}, and no primary key: its rows are sought by all their values (error 1032)`;
  return trouble('may-fail', why, difference);
}

/** New rows come without a value for the columns that are still there. */
function mayRefuse({ columns }: Difference, { by, namesColumns }: Touch, facts: TableFacts | null): boolean {
  if (facts === null) return true;
  const has = (names: readonly string[]): boolean =>
    names.some((name) => columns.some((column) => column.toLowerCase() === name.toLowerCase()));
  const isOfKey = facts.uniqueKeys.some((key) => has(key.map(({ column }) => column)));
  return isOfKey || facts.isChecked || (by === 'text' && (has(facts.required) || namesColumns === undefined));
}

/** Events of rows have values for the first columns; those behind get their default. Seen on MariaDB 10.11.19. */
function areLast(columns: readonly string[], facts: TableFacts): boolean {
  const names = new Set(columns.map((column) => column.toLowerCase()));
  return facts.columns.slice(-names.size).every((column) => names.has(column.toLowerCase()));
}

function meetContent(difference: Difference, touch: Touch, facts: TableFacts | null): Meeting {
  const { extra, old, absent } = difference;
  if (![extra, old, absent].some(isAnything)) return quiet(difference);
  if (touch.verb === 'insert') return meetInsert(difference, touch, facts);
  if (touch.by === 'text') return runsAnew(difference, touch);
  if (touch.by === 'cascade') {
    return isAnything(extra)
      ? trouble('differs', 'may lose rows that are still there, by a foreign key', difference)
      : quiet(difference);
  }
  if (old === 'unknown' || absent === 'unknown') {
    return trouble('may-fail', 'has rows changed that may not be there, or have other values (error 1032)', difference);
  }
  const moves = touch.verb === 'update' && extra === 'unknown' && mayCollide(facts);
  return moves
    ? trouble('may-fail', 'has rows changed, maybe to a key of one that is still there (error 1062)', difference)
    : quiet(difference);
}

function isAnything(rows: RowDifference): boolean {
  return rows !== 'no';
}

function meetInsert(difference: Difference, touch: Touch, facts: TableFacts | null): Meeting {
  const { extra, old } = difference;
  if (touch.replaces === true && old === 'values') return runsAnew(difference, touch);
  const mayMove = old === 'unknown' || (old === 'keys' && touch.by === 'text');
  const worst = mayMove || (touch.by === 'text' ? isAnything(extra) : extra === 'unknown');
  if (!worst || !mayCollide(facts)) return quiet(difference);
  if (touch.lenient === true)
    return trouble('differs', 'gets rows, but none with a key that is still there', difference);
  return trouble('may-fail', 'gets rows: one with the same key may still be there (error 1062)', difference);
}

function mayCollide(facts: TableFacts | null): boolean {
  return facts === null || facts.uniqueKeys.length > 0;
}

/** After a statement has met rows that the source did not have, nobody knows which ones differ. */
function runsAnew(difference: Difference, touch: Touch): Meeting {
  const why = 'is used by a statement that runs anew, on rows that are not those of the source';
  if (touch.verb === 'read') return trouble('differs', why, difference);
  return trouble('differs', why, { ...blurred(difference), old: 'unknown' });
}
