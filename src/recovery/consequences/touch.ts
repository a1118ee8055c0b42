import type { ObjectType } from '../../incident/incident.ts';

/** Something that statements and events of rows are about. */
export interface Named {
  readonly type: ObjectType;
  /** '' for an account. */
  readonly schema: string;
  /** null when it is the schema itself. */
  readonly name: string | null;
}

/**
 * What is done. ensure: made unless it is there, IF NOT EXISTS · replace: made anew whatever is there, OR REPLACE · rename: to
 * `to` · insert, update, delete: of rows · read: used without being changed, or only named · rights: of an account.
 */
export type Verb =
  | 'create'
  | 'ensure'
  | 'replace'
  | 'drop'
  | 'rename'
  | 'alter'
  | 'truncate'
  | 'insert'
  | 'update'
  | 'delete'
  | 'read'
  | 'rights';

/** One thing that a group does to one object. */
export interface Touch extends Named {
  readonly verb: Verb;
  /** rows: the log has the rows · text: the statement runs anew, on what it finds · cascade: a foreign key did it. */
  readonly by: 'rows' | 'text' | 'cascade';
  /** True where nothing fails when the object is not there (IF EXISTS), or a key is (IGNORE, REPLACE); of a read: where no rows are read. */
  readonly lenient?: boolean;
  /** Of a rename. */
  readonly to?: Named;
  /** Of ALTER TABLE. */
  readonly changes?: readonly TableChange[];
  /** Of an INSERT in text form: true when it names its columns; left out where that cannot be told. */
  readonly namesColumns?: boolean;
  /** Of an INSERT in text form: true where rows that are there may go or change for it (REPLACE, ON DUPLICATE KEY UPDATE). */
  readonly replaces?: boolean;
  /** Of a read: true where something is made that may use it later, such as a view or a trigger. */
  readonly isStored?: boolean;
  /** True where the statement gives foreign keys their names, which no two of a schema may share. */
  readonly namesForeignKeys?: boolean;
}

/** One change of an ALTER TABLE. rows: of whole partitions · swap: of rows with another table · key: one that rows may break · index: one that they cannot · other: of the definition. */
export interface TableChange {
  readonly kind: 'add-column' | 'drop-column' | 'rows' | 'swap' | 'key' | 'index' | 'other';
  /** Of the column. */
  readonly column: string | null;
  /** IF EXISTS, IF NOT EXISTS. */
  readonly lenient: boolean;
}

/** Tables, views and sequences have their names in common. */
function namespaceOf(type: ObjectType): ObjectType {
  return type === 'view' || type === 'sequence' ? 'table' : type;
}

/** Names with the same key are of one object. A name cannot hold a zero. */
export function keyOf({ type, schema, name }: Named): string {
  if (type === 'user' && name !== null) return `user\0${accountOf(name)}`;
  return name === null ? `database\0${schema}` : `${namespaceOf(type)}\0${schema}\0${name}`;
}

/** Without a host it is of any; hosts are the same in capitals. */
function accountOf(name: string): string {
  const at = name.lastIndexOf('@');
  return at < 0 ? `${name}@%` : name.slice(0, at) + name.slice(at).toLowerCase();
}

/** For people: `shop`, `shop.orders`, `ann@localhost`. */
export function nameOf({ schema, name }: Named): string {
  return [schema, name].filter((part) => part !== null && part !== '').join('.');
}
