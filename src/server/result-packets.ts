/** Payloads of a server's answers. Source: MySQL 8.4 source docs, "Command Phase". */

export type Value = string | number | null;

const AUTOCOMMIT = 0x2;
const UTF8MB4_GENERAL_CI = 45;
const VAR_STRING = 253;
const COLUMN_BYTES = 1024;
const NULL = Buffer.from([0xfb]);
const END = Buffer.from([0xfe, 0, 0, AUTOCOMMIT, 0]);

export const OK = Buffer.from([0, 0, 0, AUTOCOMMIT, 0, 0, 0]);

/** @param state five characters of SQLSTATE */
export function errorPacket({ code, message, state = 'HY000' }: ServerError): Buffer {
  return Buffer.concat([Buffer.from([0xff, code & 0xff, code >> 8]), Buffer.from(`#${state}${message}`)]);
}

export interface ServerError {
  readonly code: number;
  readonly message: string;
  readonly state?: string;
}

/** A text result set: its columns, all of them strings, then its rows. */
export function resultPackets(columns: readonly string[], rows: readonly (readonly Value[])[]): Buffer[] {
  return [
    Buffer.from([columns.length]),
    ...columns.map(columnDefinition),
    END,
    ...rows.map((row) => Buffer.concat(row.map((value) => (value === null ? NULL : text(String(value)))))),
    END,
  ];
}

function columnDefinition(name: string): Buffer {
  const fixed = Buffer.alloc(13);
  fixed.writeUInt8(12);
  fixed.writeUInt16LE(UTF8MB4_GENERAL_CI, 1);
  fixed.writeUInt32LE(COLUMN_BYTES, 3);
  fixed.writeUInt8(VAR_STRING, 7);
  return Buffer.concat([...['def', '', '', '', name, ''].map(text), fixed]);
}

/** A text behind its length: one byte, or 0xfc and two. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  if (bytes.length < 251) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const length = Buffer.from([0xfc, 0, 0]);
  length.writeUInt16LE(bytes.length, 1);
  return Buffer.concat([length, bytes]);
}
