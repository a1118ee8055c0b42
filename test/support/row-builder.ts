import { EVENT } from '../../src/binlog/event-type.ts';
import type { RawEvent } from './binlog-builder.ts';

/** A column as a TABLE_MAP event has it. */
export interface BuiltColumn {
  readonly type: number;
  readonly metadata: readonly number[];
  readonly nullable: boolean;
}

export interface BuiltTable {
  readonly id: number;
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly BuiltColumn[];
}

/** One stored value as its bytes; null is NULL. */
export type Value = Buffer | null;

const bitmap = (bits: readonly boolean[]): Buffer => {
  const bytes = Buffer.alloc((bits.length + 7) >> 3);
  bits.forEach((bit, index) => {
    if (bit) bytes.writeUInt8(bytes.readUInt8(index >> 3) | (1 << (index & 7)), index >> 3);
  });
  return bytes;
};

const name = (text: string): Buffer => Buffer.concat([Buffer.from([Buffer.byteLength(text)]), Buffer.from(text), ZERO]);
const ZERO = Buffer.from([0]);

function packed(value: number): Buffer {
  return value < 251 ? Buffer.from([value]) : Buffer.from([252, value & 255, value >> 8]);
}

function tableId(id: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntLE(id, 0, 6);
  return bytes;
}

const flagBytes = (flags: number): Buffer => Buffer.from([flags & 255, flags >> 8]);

export function tableMapOf({ id, schema, table, columns }: BuiltTable, flags = 1): RawEvent {
  const metadata = Buffer.from(columns.flatMap((column) => column.metadata));
  const body = Buffer.concat([
    ...[tableId(id), flagBytes(flags), name(schema), name(table)],
    ...[packed(columns.length), Buffer.from(columns.map(({ type }) => type))],
    ...[packed(metadata.length), metadata, bitmap(columns.map(({ nullable }) => nullable))],
  ]);
  return { type: EVENT.TABLE_MAP, body };
}

export interface BuiltRows {
  readonly table: BuiltTable;
  /** Event type: 23 to 25, 30 to 32, 39. */
  readonly type: number;
  /** Which columns the images have: the old one, and of an update the new one. */
  readonly present: readonly (readonly boolean[])[];
  /** Of each row its images, of each image the values of all columns. */
  readonly rows: readonly (readonly (readonly Value[])[])[];
  readonly endsStatement?: boolean;
  /** Of version 2. */
  readonly extra?: Buffer;
}

const PARTIAL_UPDATE = 39;
const JSON_TYPE = 245;

export function rowsOf({
  table,
  type,
  present,
  rows,
  endsStatement = true,
  extra = Buffer.alloc(0),
}: BuiltRows): RawEvent {
  const head = [tableId(table.id), flagBytes(endsStatement ? 1 : 0)];
  if (type >= 30) head.push(flagBytes(extra.length + 2), extra);
  head.push(packed(table.columns.length), ...present.map(bitmap));
  const jsonColumns = table.columns.filter((column) => column.type === JSON_TYPE).length;
  const body = rows.flatMap((images) =>
    images.flatMap((values, index) => {
      const options = type === PARTIAL_UPDATE && index === 1 ? [partialOptions(jsonColumns, values.length % 2)] : [];
      return [...options, imageOf(values, present[index] ?? [])];
    }),
  );
  return { type, body: Buffer.concat([...head, ...body]) };
}

/** Without or with a bitmap of the JSON columns that hold changes only. */
function partialOptions(jsonColumns: number, option: number): Buffer {
  return Buffer.concat([Buffer.from([option]), Buffer.alloc(option === 0 ? 0 : (jsonColumns + 7) >> 3, 0xff)]);
}

function imageOf(values: readonly Value[], present: readonly boolean[]): Buffer {
  const stored = values.filter((_, index) => present[index]);
  const nulls = bitmap(stored.map((value) => value === null));
  // Servers set the bits that stand for no column.
  if (stored.length % 8 > 0)
    nulls.writeUInt8(nulls.readUInt8(nulls.length - 1) | ((0xff << (stored.length % 8)) & 0xff), nulls.length - 1);
  return Buffer.concat([nulls, ...stored.filter((value) => value !== null)]);
}
