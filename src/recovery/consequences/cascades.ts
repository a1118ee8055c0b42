/**
 * What foreign keys do by themselves to rows of other tables, of which no log has anything. Enters: what a skipped group does to
 * rows of a table. Leaves: how the tables differ that refer to it, also over others. Pure.
 */
import { differing, type Difference } from './difference.ts';
import type { Definitions, ForeignKey, ForeignKeyAction } from './table-facts.ts';
import { keyOf, type Named, type Touch } from './touch.ts';

/** Columns of a table that skipped UPDATEs of rows gave other values, of those that others refer to; null: any of them. */
export type ChangedColumns = (table: Named) => readonly string[] | null;

/** What happened to a table's rows. */
interface Effect {
  readonly table: Named;
  readonly deletes: boolean;
  /** That got other values; null: any of them. */
  readonly columns: readonly string[] | null;
}

/** True where a touch may have made a foreign key do something to rows of other tables, if there is one. */
export function mayCascade({ verb, by, replaces = false }: Touch): boolean {
  return by !== 'cascade' && (verb === 'delete' || verb === 'update' || replaces);
}

/** How tables differ whose foreign keys lead to the one that is touched, once that is skipped; maybe itself among them. */
export function cascadedBy(touch: Touch, definitions: Definitions, changed: ChangedColumns): Difference[] {
  if (!mayCascade(touch)) return [];
  const effects = new Map<string, Effect>();
  const waiting = [effectOf(touch, changed)];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const key of definitions.foreignKeys) {
      const found = keyOf(key.parent) === keyOf(next.table) ? effectOn(key, next) : null;
      const known = found === null ? undefined : effects.get(keyOf(key.child));
      const both = found === null || known === undefined ? found : joined(known, found);
      if (both === null || both === known) continue;
      effects.set(keyOf(key.child), both);
      waiting.push(both);
    }
  }
  return [...effects.values()].map((effect) => differenceOf(effect, definitions));
}

function effectOf(touch: Touch, changed: ChangedColumns): Effect {
  const { type, schema, name, verb, by } = touch;
  const table = { type, schema, name };
  if (verb === 'delete') return { table, deletes: true, columns: [] };
  if (verb === 'update') return { table, deletes: false, columns: by === 'rows' ? changed(table) : null };
  return { table, deletes: true, columns: null };
}

/** What comes to the child; null for nothing. */
function effectOn({ child, columns, parentColumns, onDelete, onUpdate }: ForeignKey, parent: Effect): Effect | null {
  const isMoved = parent.columns === null || shares(parent.columns, parentColumns);
  const actions: ForeignKeyAction[] = [parent.deletes ? onDelete : 'restrict', isMoved ? onUpdate : 'restrict'];
  if (actions.every((action) => action === 'restrict')) return null;
  const deletes = parent.deletes && onDelete === 'cascade';
  const isChanged = (isMoved && onUpdate !== 'restrict') || (parent.deletes && onDelete === 'set-null');
  return { table: child, deletes, columns: isChanged ? columns : [] };
}

/** The very same effect where the other one adds nothing. */
function joined(one: Effect, other: Effect): Effect {
  const [mine, more] = [one.columns ?? [], other.columns ?? []];
  const added = more.filter((column) => !shares(mine, [column]));
  if (added.length === 0 && (one.deletes || !other.deletes)) return one;
  return { ...one, deletes: one.deletes || other.deletes, columns: [...mine, ...added] };
}

/** Which rows it was is not known. Rows whose keys are the same are found by these. */
function differenceOf({ table, deletes, columns }: Effect, definitions: Definitions): Difference {
  const changed = columns ?? [];
  const extra = deletes ? 'unknown' : 'no';
  if (changed.length === 0) return differing(table, { isCascaded: true, extra });
  if (!isOfKey(table, changed, definitions)) return differing(table, { isCascaded: true, extra, old: 'values' });
  return differing(table, { isCascaded: true, extra: 'unknown', old: 'unknown', absent: 'unknown' });
}

/** True where rows are sought by these columns, or may collide by them, or are referred to by them; also where nobody knows. */
function isOfKey(table: Named, changed: readonly string[], definitions: Definitions): boolean {
  const facts = definitions.table(table);
  const isReferred = definitions.foreignKeys.some(
    ({ parent, parentColumns }) => keyOf(parent) === keyOf(table) && shares(parentColumns, changed),
  );
  if (facts === null || !facts.hasPrimaryKey || isReferred) return true;
  const may = [...changed, ...(facts.generated ?? [])];
  return facts.uniqueKeys.some((key) =>
    shares(
      key.map(({ column }) => column),
      may,
    ),
  );
}

function shares(some: readonly string[], others: readonly string[]): boolean {
  return some.some((one) => others.some((other) => other.toLowerCase() === one.toLowerCase()));
}
