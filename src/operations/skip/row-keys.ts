import type { TableFacts, UniqueKey } from '../../recovery/consequences/table-facts.ts';
import { hasBit } from '../../binlog/row-layout.ts';
import { COLUMN_TYPE as T } from '../evidence/column-type.ts';
import type { MappedTable } from '../evidence/mapped-table.ts';
import type { RawImage, RowsBatch } from '../evidence/read-rows.ts';

/** A key's value in one row, comparable: null where a part is NULL, which collides with nothing; undefined: the log lacks it. */
export type KeyValue = string | null | undefined;

/** What a row image is read with: which columns the event has. */
interface Image {
  readonly values: RawImage;
  readonly present: Buffer;
}

const TEXTS: ReadonlySet<number> = new Set([
  ...[T.VARCHAR, T.VARCHAR_COMPRESSED, T.STRING, T.VAR_STRING],
  ...[T.BLOB, T.BLOB_COMPRESSED, T.TINY_BLOB, T.MEDIUM_BLOB, T.LONG_BLOB],
]);

/** Reads the values of one unique key out of row images. */
export class KeyReader {
  readonly isPrimary: boolean;
  /** False where two different texts may be one key, because of its collation: then equal values may be none. */
  readonly isExact: boolean;
  readonly #parts: readonly { index: number; isText: boolean; prefix: number | null }[];

  constructor(table: MappedTable, facts: TableFacts, key: UniqueKey) {
    this.isPrimary = facts.hasPrimaryKey && facts.uniqueKeys[0] === key;
    this.#parts = key.map(({ column, prefix }) => {
      const index = facts.columns.findIndex((name) => name.toLowerCase() === column.toLowerCase());
      return { index, isText: TEXTS.has(table.columns[index]?.type ?? -1), prefix };
    });
    this.isExact = this.#parts.every(({ isText, prefix }) => !isText && prefix === null);
  }

  /** Of the row before and after: what the event has no value for is as it was before. */
  values({ head }: RowsBatch, row: RowsBatch['rows'][number]): { before: KeyValue; after: KeyValue } {
    const before: Image = { values: row.before, present: head.present[0] };
    if (row.after === null) return { before: this.#value([before]), after: undefined };
    const after: Image = { values: row.after, present: head.present[1] };
    return { before: this.#value([before]), after: this.#value([after, before]) };
  }

  #value(images: readonly Image[]): KeyValue {
    const parts: string[] = [];
    for (const { index, isText, prefix } of this.#parts) {
      const image = images.find(({ present }) => index >= 0 && hasBit(present, index));
      if (image === undefined) return undefined;
      const value = image.values[String(index)];
      if (value === null || value === undefined) return null;
      const text = Buffer.isBuffer(value) ? value.toString(isText ? 'utf8' : 'hex') : textOf(value);
      parts.push(isText ? folded(text, prefix) : text);
    }
    return parts.join('\0');
  }
}

/** Texts that a collation may take for one are one here. */
function folded(text: string, prefix: number | null): string {
  const whole = text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toUpperCase().trimEnd();
  return prefix === null ? whole : whole.slice(0, prefix).trimEnd();
}

/** The decoder gives numbers, or text where numbers are not exact. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
