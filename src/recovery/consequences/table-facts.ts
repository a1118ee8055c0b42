import { keyOf, type Named } from './touch.ts';

/** A column's character set, and its collation; null: the character set's own. */
export interface TextType {
  readonly charset: string;
  readonly collation: string | null;
}

/** One column of a key. */
export interface UniqueKeyPart {
  readonly column: string;
  /** So many characters of it count, of bytes so many bytes; null: all. */
  readonly prefix: number | null;
  /** null where it is no text. */
  readonly text: TextType | null;
}

/** The columns of a key that no two rows may share. */
export type UniqueKey = readonly UniqueKeyPart[];

/** A table as it is defined where the group is skipped. */
export interface TableFacts {
  readonly columns: readonly string[];
  /** Keys that no two rows may share, the primary one first; empty when it has none. */
  readonly uniqueKeys: readonly UniqueKey[];
  readonly hasPrimaryKey: boolean;
  /** Columns that must be given a value. */
  readonly required: readonly string[];
  /** True when rows must pass checks. */
  readonly isChecked: boolean;
  /** Columns whose values come from others. */
  readonly generated?: readonly string[];
}

/** What happens to rows that refer to one that goes, or gets another key. restrict: nothing, since it is refused. */
export type ForeignKeyAction = 'restrict' | 'cascade' | 'set-null';

/** Columns of one table refer to those of another one. */
export interface ForeignKey {
  readonly child: Named;
  readonly parent: Named;
  readonly columns: readonly string[];
  readonly parentColumns: readonly string[];
  readonly onDelete: ForeignKeyAction;
  readonly onUpdate: ForeignKeyAction;
}

/** What is known of definitions, beside the log behind the skipped groups. */
export interface Definitions {
  /** null where it is not known how the table was defined then. */
  table(table: Named): TableFacts | null;
  /** All there are between tables. */
  readonly foreignKeys: readonly ForeignKey[];
  /** Why there may be more of them; null when there are not. */
  readonly foreignKeysUnknown: string | null;
  /** True when the schema held a table of this name, false when not; null: not known. */
  held(table: Named): boolean | null;
  /** True when triggers, views or routines mention the table: statements about others may use it. */
  isUsedIndirectly(table: Named): boolean;
}

/** Where nothing is known. */
export const NO_DEFINITIONS: Definitions = {
  table: () => null,
  foreignKeys: [],
  foreignKeysUnknown: 'the definitions of the tables are not known',
  held: () => null,
  isUsedIndirectly: () => true,
};

/** The tables at the other ends of a table's foreign keys. */
interface Relatives {
  readonly parents: readonly Named[];
  /** Those whose keys lead to it, also over others: a cascade goes on. */
  readonly descendants: readonly Named[];
  readonly ancestors: readonly Named[];
}

const byKey = new WeakMap<readonly ForeignKey[], Index>();

/** Foreign keys by the table at either end. */
interface Index {
  readonly parents: ReadonlyMap<string, readonly Named[]>;
  readonly children: ReadonlyMap<string, readonly Named[]>;
  /** Of the tables asked for so far. */
  readonly relatives: Map<string, Relatives>;
}

/** Tables that the table's foreign keys lead to, and those whose lead to it; itself among them where one leads to itself. */
export function relativesOf({ foreignKeys }: Definitions, table: Named): Relatives {
  const { parents, children, relatives } = byKey.get(foreignKeys) ?? indexed(foreignKeys);
  const key = keyOf(table);
  if (!parents.has(key) && !children.has(key)) return NONE;
  const found = relatives.get(key) ?? {
    parents: parents.get(key) ?? [],
    ancestors: reached(parents, table),
    descendants: reached(children, table),
  };
  relatives.set(key, found);
  return found;
}

const NONE: Relatives = { parents: [], ancestors: [], descendants: [] };

function indexed(foreignKeys: readonly ForeignKey[]): Index {
  const [parents, children] = [new Map<string, Named[]>(), new Map<string, Named[]>()];
  const add = (to: Map<string, Named[]>, table: Named, relative: Named): void => {
    const known = to.get(keyOf(table));
    if (known === undefined) to.set(keyOf(table), [relative]);
    else known.push(relative);
  };
  for (const { child, parent } of foreignKeys) {
    add(parents, child, parent);
    add(children, parent, child);
  }
  const index: Index = { parents, children, relatives: new Map() };
  byKey.set(foreignKeys, index);
  return index;
}

function reached(by: ReadonlyMap<string, readonly Named[]>, table: Named): Named[] {
  const found = new Map<string, Named>();
  const waiting = [...(by.get(keyOf(table)) ?? [])];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (found.has(keyOf(next))) continue;
    found.set(keyOf(next), next);
    waiting.push(...(by.get(keyOf(next)) ?? []));
  }
  return [...found.values()];
}
