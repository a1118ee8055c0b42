import { open, type FileHandle } from 'node:fs/promises';
import { EVENT_HEADER_BYTES } from '../../src/binlog/event-type.ts';
import { BinlogBuilder, gtidList, mariadbGtid, query, tableMap, writeRows, xid } from './binlog-builder.ts';

const GIB = 2 ** 30;
const LAST_EVENT_BYTES = GIB / 4;

/** A binary log of more than 4 GiB that takes next to nothing on its own disk: the rows of its one large transaction are zeros. */
export interface SparseLog {
  readonly path: string;
  /** Where the large transaction begins, below 4 GiB, and ends, behind. */
  readonly large: { readonly start: number; readonly end: number };
  /** Ends of the small groups behind it. */
  readonly later: readonly number[];
}

/** Writes it: small groups, one transaction of 4.25 GiB in events of up to 1 GiB, small groups. Without checksums. */
export async function writeSparseLog(path: string): Promise<SparseLog> {
  const head = new BinlogBuilder({ checksum: 'none' }).between(gtidList(''));
  head.group([mariadbGtid('0-101-1', { standalone: true }), query('create table t (a longblob)')], {
    ending: 'statement',
  });
  const start = head.size;
  head.unfinished([mariadbGtid('0-101-2'), tableMap('shop', 't')]);
  await using file = await open(path, 'wx');
  await file.write(head.bytes, 0, head.size, 0);
  let at = head.size;
  for (const length of [GIB, GIB, GIB, GIB, LAST_EVENT_BYTES]) at = await writeLargeEvent(file, at, length);
  const tail = new BinlogBuilder({ checksum: 'none', format: false, positionsFrom: at }).unfinished([xid()]);
  const large = { start, end: at + tail.size };
  for (let number = 3; number <= 7; number += 1) {
    const gtid = mariadbGtid(`0-101-${number}`, { standalone: true });
    tail.group([gtid, query(`insert into t values (${number})`)], { ending: 'statement' });
  }
  await file.write(tail.bytes, 0, tail.size, at);
  return { path, large, later: tail.groups.map(({ end }) => at + end) };
}

/** Only its header is written. @returns where it ends */
async function writeLargeEvent(file: FileHandle, at: number, length: number): Promise<number> {
  const header = Buffer.alloc(EVENT_HEADER_BYTES);
  header.writeUInt32LE(1_780_000_000, 0);
  header.writeUInt8(writeRows(1).type, 4);
  header.writeUInt32LE(101, 5);
  header.writeUInt32LE(length, 9);
  header.writeUInt32LE((at + length) % 2 ** 32, 13);
  await file.write(header, 0, header.length, at);
  await file.truncate(at + length);
  return at + length;
}
