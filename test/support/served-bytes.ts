import { EVENT_HEADER_BYTES } from '../../src/binlog/event-type.ts';
import { FIRST_EVENT_OFFSET } from '../../src/binlog/coordinates.ts';
import { parseFormatDescription } from '../../src/binlog/format-description.ts';
import { findOffer, type OfferRequest } from '../../src/server/archive-offer.ts';
import type { ServedLog, ServedRange } from '../../src/server/served-range.ts';
import {
  BinlogBuilder,
  gtidList,
  mariadbGtid,
  mysqlGtid,
  previousGtids,
  query,
  rotate,
  xid,
  type UuidIntervals,
} from './binlog-builder.ts';

/** Offers `[from, to)` of a file that is in memory. `opened` counts. */
export function servedBytes(
  file: string,
  bytes: Buffer,
  { from = FIRST_EVENT_OFFSET, to = bytes.length }: { from?: number; to?: number } = {},
): ServedRange & { opened: number } {
  const length = bytes.readUInt32LE(FIRST_EVENT_OFFSET + 9);
  const formatEvent = bytes.subarray(FIRST_EVENT_OFFSET, FIRST_EVENT_OFFSET + Math.max(length, EVENT_HEADER_BYTES));
  const range = {
    ...{ file, from, to, formatEvent, opened: 0 },
    checksum: parseFormatDescription(formatEvent)?.checksum ?? ('none' as const),
    open: async (offset: number) => {
      range.opened += 1;
      let at = offset;
      return await Promise.resolve({
        read: async (target: Buffer, into: number) => {
          const read = bytes.copy(target, into, at);
          at += read;
          return await Promise.resolve(read);
        },
        [Symbol.asyncDispose]: async () => {
          await Promise.resolve();
        },
      });
    },
  };
  return range;
}

/** A file with a transaction for each GTID, and a ROTATE to the next file unless it is the last. */
export function mariadbFile(start: string, gtids: readonly string[], next?: string): BinlogBuilder {
  const builder = new BinlogBuilder().between(gtidList(start));
  for (const gtid of gtids)
    builder.group([mariadbGtid(gtid), query('DELETE FROM item'), xid()], { gtid, ending: 'commit' });
  return next === undefined ? builder : builder.between(rotate(next));
}

/** The same with the GTIDs of MySQL. */
export function mysqlFile(start: readonly UuidIntervals[], gtids: readonly string[], next?: string): BinlogBuilder {
  const builder = new BinlogBuilder({ version: '8.0.36' }).between(previousGtids(start));
  for (const gtid of gtids)
    builder.group([mysqlGtid(gtid), query('BEGIN'), query('DELETE FROM item'), xid()], { gtid, ending: 'commit' });
  return next === undefined ? builder : builder.between(rotate(next));
}

/** The groups that an offer holds, by their GTIDs. */
export async function groupsOffered(
  log: ServedLog,
  request: OfferRequest,
  files: ReadonlyMap<string, BinlogBuilder>,
): Promise<string[] | string> {
  const offer = await findOffer(log, request);
  if (typeof offer === 'string') return offer;
  return offer.flatMap(({ file, from, to }) =>
    (files.get(file)?.groups ?? [])
      .filter(({ start, end }) => from <= start && end <= to)
      .map(({ gtid }) => gtid ?? 'none'),
  );
}
