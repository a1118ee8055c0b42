/** What row images do not say of a column. */
export interface ColumnDefinition {
  readonly name: string;
  /** As SHOW CREATE TABLE writes it, in lower case but for an ENUM's values: `int(11) unsigned`, `enum('a','b')`. */
  readonly type: string;
  /** The server's name of the character set; null for what is no text. */
  readonly charset: string | null;
  /** True: its values are computed, and cannot be written. null: not known. */
  readonly generated: boolean | null;
  /** Left out where it is not known. */
  readonly nullable?: boolean;
}

/** Where a definition comes from, best first. */
export type DefinitionSource = 'log' | 'backup' | 'server';

/** A table as it was defined when the rows were written, as far as is known. */
export interface TableDefinition {
  readonly source: DefinitionSource;
  /** In words, for people: `backup 20261122T100000Z-1a2b`. */
  readonly from: string;
  readonly columns: readonly ColumnDefinition[];
  /** Names; empty when the table has none, null when that is not known. */
  readonly primaryKey: readonly string[] | null;
}

interface NamedTable {
  readonly schema: string;
  readonly name: string;
}

/** Tells tables from one another: names may hold dots. */
export function tableKey({ schema, name }: NamedTable): string {
  return `${schema}\0${name}`;
}

/** `schema.table`, for people. */
export function tableText({ schema, name }: NamedTable): string {
  return `${schema}.${name}`;
}
