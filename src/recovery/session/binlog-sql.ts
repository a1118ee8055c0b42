/** Base64 is made in pieces of whole threes: one string of the largest event would be longer than a string can be. */
const PIECE_BYTES = 3 * 1024 * 1024;
/** `SET @lastgood_part_1='`, `BINLOG '` and the end. */
const FRAME_BYTES = 64;

/** Statements that apply events; those before the last one only bring their bytes. */
export type BinlogSql = readonly Buffer[];

/**
 * BINLOG statements for whole events. Where one is larger than the target takes, MariaDB can have it in two halves.
 * Source: MariaDB manual, "BINLOG": two user variables, since 10.5.
 *
 * @param limit of the target's max_allowed_packet, bytes
 * @returns the size that the target would have to take, when it does not
 */
export function binlogSql(events: readonly Buffer[], limit: number, canSplit: boolean): BinlogSql | number {
  const base64 = toBase64(Buffer.concat(events));
  if (base64.length + FRAME_BYTES <= limit) return [framed("BINLOG '", base64)];
  const half = Math.ceil(base64.length / 2);
  if (!canSplit || half + FRAME_BYTES > limit) return base64.length + FRAME_BYTES;
  return [
    framed("SET @lastgood_part_0='", base64.subarray(0, half)),
    framed("SET @lastgood_part_1='", base64.subarray(half)),
    Buffer.from('BINLOG @lastgood_part_0, @lastgood_part_1'),
  ];
}

function framed(before: string, base64: Buffer): Buffer {
  return Buffer.concat([Buffer.from(before), base64, Buffer.from("'")]);
}

function toBase64(bytes: Buffer): Buffer {
  const base64 = Buffer.allocUnsafe(4 * Math.ceil(bytes.length / 3));
  let written = 0;
  for (let at = 0; at < bytes.length; at += PIECE_BYTES)
    written += base64.write(bytes.toString('base64', at, Math.min(at + PIECE_BYTES, bytes.length)), written, 'latin1');
  return base64;
}
