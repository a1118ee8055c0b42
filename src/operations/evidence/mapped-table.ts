import { packedNumber } from '../../binlog/table-map.ts';
import { COLUMN_TYPE as T } from './column-type.ts';

/** A column as the log maps it: how its values lie in row images, not what it is called. */
export interface MappedColumn {
  /** A `COLUMN_TYPE`; ENUM and SET are told from STRING. */
  readonly type: number;
  /**
   * VARCHAR and STRING: most bytes of a value · BLOB, JSON, GEOMETRY: bytes of the length · ENUM, SET: bytes of the number ·
   * DECIMAL: digits · BIT: bits · TIME2, DATETIME2, TIMESTAMP2: decimals.
   */
  readonly size: number;
  /** DECIMAL: digits behind the point. */
  readonly scale: number;
}

/** What a TABLE_MAP event says. */
export interface MappedTable {
  readonly id: number;
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly MappedColumn[];
  /** The event's bytes up to its column types: ids, flags, names and the number of columns. */
  readonly head: Buffer;
  readonly nullable: Buffer;
  /** The fields behind the null bits; empty where the server writes none. */
  readonly optional: Buffer;
}

const POST_HEADER_BYTES = 8;

/** Parses the body of a TABLE_MAP event; null when it is none. Source: MySQL 9 libs/mysql/binlog/event/rows_event.h. */
export function parseTableMap(body: Buffer): MappedTable | null {
  try {
    return parse(body);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** The table's number of six bytes, with which events of rows begin too. */
function tableIdOf(body: Buffer): number {
  return body.readUIntLE(0, 6);
}

function parse(body: Buffer): MappedTable {
  const schemaAt = POST_HEADER_BYTES + 1;
  const schemaEnd = schemaAt + body.readUInt8(POST_HEADER_BYTES);
  const nameAt = schemaEnd + 2;
  const nameEnd = nameAt + body.readUInt8(schemaEnd + 1);
  const count = packedNumber(body, nameEnd + 1);
  const typesEnd = count.end + count.value;
  const metadata = packedNumber(body, typesEnd);
  const nullsAt = metadata.end + metadata.value;
  const nullsEnd = nullsAt + Math.ceil(count.value / 8);
  if (nullsEnd > body.length) throw new RangeError('cut');
  const types = body.subarray(count.end, typesEnd);
  return {
    id: tableIdOf(body),
    schema: body.toString('utf8', schemaAt, schemaEnd),
    name: body.toString('utf8', nameAt, nameEnd),
    columns: readColumns(types, body.subarray(metadata.end, nullsAt)),
    head: Buffer.from(body.subarray(0, count.end)),
    nullable: Buffer.from(body.subarray(nullsAt, nullsEnd)),
    optional: Buffer.from(body.subarray(nullsEnd)),
  };
}

/** A length-encoded integer, as `packedNumber` reads it. */
export function writeLength(value: number): Buffer {
  if (value < 251) return Buffer.from([value]);
  const bytes = Buffer.alloc(value < 65_536 ? 3 : 4);
  bytes[0] = value < 65_536 ? 252 : 253;
  bytes.writeUIntLE(value, 1, bytes.length - 1);
  return bytes;
}

function readColumns(types: Buffer, metadata: Buffer): MappedColumn[] {
  let at = 0;
  return [...types].map((type) => {
    const width = METADATA_BYTES.get(type) ?? 0;
    const first = width > 0 ? metadata.readUInt8(at) : 0;
    const second = width > 1 ? metadata.readUInt8(at + 1) : 0;
    at += width;
    return columnOf(type, first, second);
  });
}

/** Source: MySQL 9 sql/log_event.cc, Table_map_log_event; MariaDB 10.11 sql/field.h, save_field_metadata. */
const METADATA_BYTES: ReadonlyMap<number, number> = new Map([
  ...[T.FLOAT, T.DOUBLE, T.TIMESTAMP2, T.DATETIME2, T.TIME2].map((type) => [type, 1] as const),
  ...[T.TINY_BLOB, T.MEDIUM_BLOB, T.LONG_BLOB, T.BLOB, T.BLOB_COMPRESSED].map((type) => [type, 1] as const),
  ...[T.JSON, T.GEOMETRY, T.VECTOR].map((type) => [type, 1] as const),
  ...[T.VARCHAR, T.VARCHAR_COMPRESSED, T.BIT, T.NEWDECIMAL].map((type) => [type, 2] as const),
  ...[T.STRING, T.VAR_STRING, T.ENUM, T.SET].map((type) => [type, 2] as const),
]);

function columnOf(type: number, first: number, second: number): MappedColumn {
  if (type === T.NEWDECIMAL) return { type, size: first, scale: second };
  if (type === T.BIT) return { type, size: second * 8 + first, scale: 0 };
  if (type === T.VARCHAR || type === T.VARCHAR_COMPRESSED) return { type, size: second * 256 + first, scale: 0 };
  if (type !== T.STRING && type !== T.VAR_STRING) return { type, size: first, scale: 0 };
  if (first === T.ENUM || first === T.SET) return { type: first, size: second, scale: 0 };
  // Two bits of the length are hidden in the type, which has them all set where there are none.
  return { type: T.STRING, size: (((first & 0x30) ^ 0x30) << 4) + second, scale: 0 };
}
