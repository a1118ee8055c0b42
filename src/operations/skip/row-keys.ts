import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { ABSENT, NULL, type ImageReader } from '../../binlog/row-images.ts';
import type { TableMap } from '../../binlog/table-map.ts';
import type { TableFacts, UniqueKey } from '../../recovery/consequences/table-facts.ts';
import { COLUMN_TYPE as T, INTEGER_BITS } from '../evidence/column-type.ts';
import { parseTableMap } from '../evidence/mapped-table.ts';
import { textKeyOf, type TextKey } from './text-key.ts';

/** Equal values have equal bytes, `exact`; keys that a collation may take for one have equal `folded`. */
export interface Key {
  readonly exact: string;
  readonly folded: string;
}

/** A key's value in one row, comparable: null where a part is NULL, which collides with nothing; undefined: the log lacks it, or it has a `doubt`. */
export type KeyValue = Key | null | undefined;

/** Images of one row: a value is looked for in the first that has its column. */
export type Images = readonly ImageReader[];

const TEXTS: ReadonlySet<number> = new Set([
  ...[T.VARCHAR, T.VARCHAR_COMPRESSED, T.STRING, T.VAR_STRING],
  ...[T.BLOB, T.BLOB_COMPRESSED, T.TINY_BLOB, T.MEDIUM_BLOB, T.LONG_BLOB],
]);
const DATES: ReadonlySet<number> = new Set([T.DATE, 14]);

interface KeyPart {
  /** Of the wanted columns. */
  readonly slot: number;
  readonly type: number;
  readonly prefix: number | null;
  /** null where bytes are what they are. */
  readonly asText: TextKey | null;
}

/** Reads the values of one unique key out of row images. */
export class KeyReader {
  readonly isPrimary: boolean;
  /** False where two different texts may be one key, because of its collation: then equal values may be none. */
  readonly isExact: boolean;
  /** Why a value cannot be compared; null while they can. */
  doubt: string | null = null;
  readonly #parts: readonly KeyPart[];

  /** @param wanted the columns that images are read for, by their indexes; all of the key's are among them that the table has */
  constructor(key: UniqueKey, o: { table: TableMap; facts: TableFacts; wanted: readonly number[] }) {
    const { table, facts, wanted } = o;
    const types = parseTableMap(table.body)?.columns ?? [];
    this.isPrimary = facts.hasPrimaryKey && facts.uniqueKeys[0] === key;
    this.#parts = key.map(({ column, prefix, text }) => {
      const index = indexOf(facts, column);
      const asText = text === null ? null : textKeyOf(text, prefix);
      if (text !== null && asText === null)
        this.doubt ??= `texts of ${text.collation ?? text.charset} in ${column} are not understood`;
      return { slot: wanted.indexOf(index), type: types[index]?.type ?? -1, prefix, asText };
    });
    this.isExact = this.#parts.every(({ type, prefix }) => !TEXTS.has(type) && prefix === null);
  }

  value(bytes: Buffer, images: Images): KeyValue {
    let exact = '';
    let folded = '';
    for (const { slot, type, prefix, asText } of this.#parts) {
      const image = slot < 0 ? undefined : images.find(({ from }) => from[slot] !== ABSENT);
      const from = image?.from[slot];
      if (image === undefined || from === undefined) return undefined;
      if (from === NULL) return null;
      const to = image.to[slot] as number;
      exact += sized(type, plain(bytes, { type, from, to }));
      const counted = prefix === null || asText !== null ? to : Math.min(to, from + prefix);
      const text = asText === null ? plain(bytes, { type, from, to: counted }) : asText(bytes.subarray(from, to));
      if (text === null) {
        this.doubt ??= 'a text in one of its keys is not understood';
        return undefined;
      }
      folded += sized(type, text);
    }
    return { exact: shortened(exact), folded: shortened(folded) };
  }

  /** True where an update has left the key as it was: all of it that the new image has. Images may lack the other columns of it. */
  isKept(bytes: Buffer, before: ImageReader, after: ImageReader): boolean {
    return this.#parts.every(({ slot }) => isKeptAt(slot, bytes, { before, after }));
  }

  /** For a person. */
  text(bytes: Buffer, images: Images): string {
    const parts = this.#parts.map(({ slot, type }) => {
      const image = images.find(({ from }) => from[slot] !== ABSENT);
      return shown(type, bytes.subarray(image?.from[slot] ?? 0, image?.to[slot] ?? 0));
    });
    const text = parts.join(', ');
    return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN - 1)}…` : text;
  }
}

/** True where an update has left one column as it was, or does not say. */
export function isKeptAt(
  slot: number,
  bytes: Buffer,
  { before, after }: { readonly before: ImageReader; readonly after: ImageReader },
): boolean {
  const [old, now] = [before.from[slot] ?? ABSENT, after.from[slot] ?? ABSENT];
  if (now < 0 || old < 0) return now === ABSENT || now === old;
  const [oldEnd, nowEnd] = [before.to[slot] as number, after.to[slot] as number];
  return bytes.compare(bytes, old, oldEnd, now, nowEnd) === 0;
}

/** The columns of all keys of a table, by their indexes; without those that it does not have. */
export function columnsOfKeys(facts: TableFacts): number[] {
  const indexes = facts.uniqueKeys.flatMap((key) => key.map(({ column }) => indexOf(facts, column)));
  return [...new Set(indexes)].filter((index) => index >= 0);
}

/** A column's index in the log; -1 where the table does not have it. */
export function indexOf({ columns }: TableFacts, column: string): number {
  return columns.findIndex((name) => name.toLowerCase() === column.toLowerCase());
}

/** No two values that follow one another look like two others. */
function sized(type: number, text: string): string {
  return TEXTS.has(type) ? `${text.length}:${text}` : text;
}

/** Values of these types are equal where their bytes are, but for the two zeros of FLOAT and DOUBLE. All of a column have one length. */
function plain(bytes: Buffer, { type, from, to }: { type: number; from: number; to: number | undefined }): string {
  const text = bytes.toString('latin1', from, to);
  return type === T.FLOAT || type === T.DOUBLE ? text.replace(/^(\0+)\x80$/, '$1\0') : text;
}

/** One less than the digest in base64, which so is never taken for another key. */
const MOST_HELD = 43;

/** Many keys are held at once: of a long one its digest. */
function shortened(text: string): string {
  return text.length <= MOST_HELD ? text : createHash('sha256').update(text).digest('base64');
}

const MOST_SHOWN = 60;

/** Whether numbers have a sign is not in the log: they are shown without. */
function shown(type: number, value: Buffer): string {
  if (TEXTS.has(type) && isReadable(value)) return value.toString();
  if (INTEGER_BITS.has(type)) return BigInt(`0x${Buffer.from(value).reverse().toString('hex')}`).toString();
  if (!DATES.has(type)) return `0x${value.toString('hex')}`;
  const date = value.readUIntLE(0, 3);
  return [date >> 9, (date >> 5) & 15, date & 31].map((part) => String(part).padStart(2, '0')).join('-');
}

/** The bytes of a UUID or of an address are no text. */
function isReadable(value: Buffer): boolean {
  return isUtf8(value) && !/\p{C}/u.test(value.toString());
}
